//! The feed of ended sessions, by which resource servers learn which access tokens to refuse (ADR 0019).

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::model::{SessionId, Timestamp};
use auth_domain::ports::Clock;
use futures_util::future::select;
use sqlx::types::Uuid;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::timeout_at;

use super::ended_log::{Cursor, LogPage};
use super::revoked_sessions::{PageError, RevokedSessions};

/// The longest time for which a request waits for news. Proxies usually close a silent connection after 60 seconds.
pub const MAX_WAIT: Duration = Duration::from_secs(25);
/// The number of requests that wait at a time. Further ones are answered at once.
const MAX_WAITING: usize = 128;
/// The maximum number of sessions in an answer, which is then about 200 kB.
const PAGE_SIZE: usize = 5_000;
/// How much longer a session stays in the feed than its access tokens are valid, because clocks differ.
const MARGIN: Duration = Duration::from_secs(60);
/// The interval in which a waiting request finds that the feed has become stale.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time to wait until this node has read what another one has. The nodes read twice a second.
const MAX_LAG: Duration = Duration::from_secs(2);

/// The feed of ended sessions. Its answers come from memory. Cloning it is cheap: the clones share their limits.
#[derive(Clone)]
pub struct EndedSessions {
    revoked: Arc<RevokedSessions>,
    clock: Arc<dyn Clock>,
    kept: Duration,
    waiting: Arc<Semaphore>,
    stopping: Arc<watch::Sender<bool>>,
}

/// The sessions that ended since a cursor, in the order in which they became visible, each at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSessionsPage {
    /// At most 5,000 sessions.
    pub sessions: Vec<SessionId>,
    /// The cursor for the next request.
    pub next: Cursor,
    /// There are more sessions, which the next request gets at once.
    pub has_more: bool,
    /// The page is the first one of the whole list: the request had no cursor, or one of another history of the store.
    pub is_reset: bool,
    /// The list was complete at this time, by the clock of this node.
    pub synced_at: Timestamp,
    /// A follower may forget a session this long after it has received it: its access tokens have expired.
    pub keep: Duration,
}

/// The node cannot tell which sessions have ended: it has not read the store for five seconds, or there are more ended
/// sessions than it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the ended sessions are not known: the store was not read for five seconds, or too many sessions ended"
)]
pub struct FeedUnavailable;

impl EndedSessions {
    /// A feed of sessions whose access tokens are valid for at most `lifetime`, leeway included.
    pub(crate) fn new(revoked: Arc<RevokedSessions>, clock: Arc<dyn Clock>, lifetime: Duration) -> Self {
        Self {
            revoked,
            clock,
            kept: lifetime.saturating_add(MARGIN),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            stopping: Arc::default(),
        }
    }

    /// Returns the sessions that ended since a cursor. Without one, or with one of another history of the store, these are all
    /// whose access tokens may be valid.
    ///
    /// If there are none, it waits for the next one, at most for `wait` and [`MAX_WAIT`]. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`FeedUnavailable`] instead of an answer that may miss a session.
    pub async fn poll(
        &self,
        after: Option<&Cursor>,
        wait: Duration,
    ) -> Result<EndedSessionsPage, FeedUnavailable> {
        let arrived = Instant::now();
        let mut reads = self.revoked.reads();
        let mut stopping = self.stopping.subscribe();
        let permit = self.permit(wait);
        let deadline = arrived + if permit.is_some() { wait.min(MAX_WAIT) } else { Duration::ZERO };
        loop {
            // Before the page is read, so that no read in between is missed.
            reads.mark_unchanged();
            let until = match self.page(after, arrived) {
                Ok(page) if page.has_news() || deadline <= Instant::now() || *stopping.borrow() => {
                    return Ok(page);
                }
                Ok(_) => deadline.min(Instant::now() + CHECK_INTERVAL),
                Err(PageError::Behind) if arrived.elapsed() < MAX_LAG => Instant::now() + CHECK_INTERVAL / 10,
                Err(PageError::Behind | PageError::Stale) => return Err(FeedUnavailable),
            };
            // What woke it does not matter: the page shows it.
            let (read, stop) = (pin!(reads.changed()), pin!(stopping.changed()));
            let _ = timeout_at(until.into(), select(read, stop)).await;
        }
    }

    /// Answers all waiting requests, and lets no further one wait. Call it when the server stops, which would wait for them.
    pub fn stop_waiting(&self) {
        self.stopping.send_replace(true);
    }

    fn permit(&self, wait: Duration) -> Option<SemaphorePermit<'_>> {
        if wait.is_zero() { None } else { self.waiting.try_acquire().ok() }
    }

    fn page(&self, after: Option<&Cursor>, arrived: Instant) -> Result<EndedSessionsPage, PageError> {
        let now = self.clock.now();
        let since = now.minus(self.kept).unix_seconds();
        let (page, synced) = self.revoked.page(after, since, PAGE_SIZE, arrived)?;
        let LogPage { sessions, next, has_more, is_reset } = page;
        Ok(EndedSessionsPage {
            sessions: sessions.into_iter().map(SessionId).collect(),
            next,
            has_more,
            is_reset,
            synced_at: now.minus(synced.elapsed()),
            keep: self.kept,
        })
    }
}

impl fmt::Debug for EndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndedSessions").field("kept", &self.kept).finish_non_exhaustive()
    }
}

impl EndedSessionsPage {
    fn has_news(&self) -> bool {
        self.is_reset || self.has_more || !self.sessions.is_empty()
    }

    /// The page as a JSON object, as `docs/verifying-tokens.md` describes it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(256 + 39 * self.sessions.len());
        json.push_str(r#"{"sessions":["#);
        for (index, session) in self.sessions.iter().enumerate() {
            json.push_str(if index == 0 { "\"" } else { ",\"" });
            json.push_str(session.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            json.push('"');
        }
        let Self { next, has_more, is_reset, .. } = self;
        let (synced_at, keep) = (self.synced_at.unix_seconds(), self.keep.as_secs());
        let rest = format!(
            r#"],"next":"{next}","more":{has_more},"reset":{is_reset},"synced_at":{synced_at},"keep_seconds":{keep}}}"#
        );
        json.push_str(&rest);
        json
    }
}
