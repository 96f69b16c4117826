//! The feed of ended sessions, by which resource servers learn which access tokens to refuse (ADR 0020).

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
/// How long a session stays in the feed: an hour longer than any access token is valid, because of the leeway, and because clocks
/// differ. The table keeps its row as long. The lifetimes of this node do not matter: others may have issued the token.
const KEPT: Duration = Duration::from_secs(25 * 60 * 60);
/// The interval in which a waiting request finds that the feed has become stale.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time to wait until this node has read what another one has. The nodes read twice a second.
const MAX_LAG: Duration = Duration::from_secs(2);

/// The feed of ended sessions. Its answers come from memory. Cloning it is cheap: the clones share their limits.
#[derive(Clone)]
pub struct EndedSessions {
    revoked: Arc<RevokedSessions>,
    clock: Arc<dyn Clock>,
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
    /// A follower may forget a session this long after it has received it: its access tokens have expired. 25 hours.
    pub keep: Duration,
}

/// The node cannot tell which sessions have ended. It has not read the store for five seconds, or there are more ended sessions
/// than it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the ended sessions are not known: the store was not read for five seconds, or too many sessions ended"
)]
pub struct FeedUnavailable;

impl EndedSessions {
    pub(crate) fn new(revoked: Arc<RevokedSessions>, clock: Arc<dyn Clock>) -> Self {
        Self { revoked, clock, waiting: Arc::new(Semaphore::new(MAX_WAITING)), stopping: Arc::default() }
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
        let since = now.minus(KEPT).unix_seconds();
        let (page, synced) = self.revoked.page(after, since, PAGE_SIZE, arrived)?;
        let LogPage { sessions, next, has_more, is_reset } = page;
        Ok(EndedSessionsPage {
            sessions: sessions.into_iter().map(SessionId).collect(),
            next,
            has_more,
            is_reset,
            synced_at: now.minus(synced.elapsed()),
            keep: KEPT,
        })
    }
}

impl fmt::Debug for EndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndedSessions").finish_non_exhaustive()
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

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use auth_domain::testing::FixedClock;
    use tokio::spawn;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::sql::{RevokedRow, Snapshot};

    const NOW: i64 = 1_800_000_000;
    /// More than any of these tests waits on purpose.
    const LONG: Duration = Duration::from_secs(10);

    fn feed() -> EndedSessions {
        let clock = Arc::new(FixedClock::at(Timestamp::from_unix_seconds(NOW)));
        EndedSessions::new(Arc::default(), clock)
    }

    /// Ends sessions and reads them. A session and its row have the same number.
    fn end(feed: &EndedSessions, numbers: std::ops::RangeInclusive<i64>) {
        let last = *numbers.end();
        feed.revoked.insert_rows(numbers.map(|number| RevokedRow {
            number: number.cast_unsigned(),
            session: Uuid::from_u128(number.cast_unsigned().into()),
            recorded_at: NOW,
        }));
        feed.revoked.finish_read(Snapshot::up_to(last), Instant::now());
    }

    async fn poll(feed: &EndedSessions, after: Option<&Cursor>, wait: Duration) -> EndedSessionsPage {
        timeout(LONG / 2, feed.poll(after, wait)).await.expect("in time").expect("a page")
    }

    /// A follower that waits for a session to end.
    async fn waiting(feed: &EndedSessions, after: &Cursor) -> tokio::task::JoinHandle<EndedSessionsPage> {
        let free = feed.waiting.available_permits();
        let (follower, after) = (feed.clone(), after.clone());
        let task = spawn(async move { poll(&follower, Some(&after), LONG).await });
        while feed.waiting.available_permits() == free {
            sleep(Duration::from_millis(1)).await;
        }
        task
    }

    #[tokio::test]
    async fn waiting_request_gets_the_next_end() {
        let feed = feed();
        end(&feed, 1..=2);
        let first = poll(&feed, None, LONG).await;
        assert_eq!((first.sessions.len(), first.is_reset, first.keep), (2, true, KEPT));
        let waiting = waiting(&feed, &first.next).await;
        end(&feed, 3..=3);
        let second = waiting.await.expect("an answer");
        assert_eq!(second.sessions, [SessionId(Uuid::from_u128(3))]);
        assert!(!second.is_reset && !second.has_more);
    }

    #[tokio::test]
    async fn session_is_listed_while_any_token_can_be_valid() {
        let feed = feed();
        for (session, age) in [(1, 24 * 60 * 60 + 60), (2, 25 * 60 * 60 + 1)] {
            let (number, session) = (1, Uuid::from_u128(session));
            feed.revoked.insert_rows([RevokedRow { number, session, recorded_at: NOW - age }]);
        }
        feed.revoked.finish_read(Snapshot::up_to(1), Instant::now());
        assert_eq!(poll(&feed, None, LONG).await.sessions, [SessionId(Uuid::from_u128(1))]);
    }

    #[tokio::test]
    async fn last_page_of_an_older_read_is_not_the_end() {
        let feed = feed();
        end(&feed, 1..=i64::try_from(PAGE_SIZE).expect("a number") + 1);
        let first = poll(&feed, None, LONG).await;
        end(&feed, 6_000..=6_000);
        let second = poll(&feed, Some(&first.next), LONG).await;
        assert_eq!((second.sessions.len(), second.has_more), (1, true), "its time is that of the new read");
        let third = poll(&feed, Some(&second.next), LONG).await;
        assert_eq!((third.sessions.len(), third.has_more), (1, false));
    }

    #[tokio::test]
    async fn request_without_news_is_answered_after_its_wait() {
        let feed = feed();
        end(&feed, 1..=1);
        let next = poll(&feed, None, Duration::ZERO).await.next;
        for wait in [Duration::ZERO, Duration::from_millis(300)] {
            let started = Instant::now();
            let page = poll(&feed, Some(&next), wait).await;
            assert_eq!(
                (page.sessions, page.next, started.elapsed() >= wait),
                (Vec::new(), next.clone(), true)
            );
        }
    }

    #[tokio::test]
    async fn requests_beyond_the_bound_are_answered_at_once() {
        let feed = feed();
        end(&feed, 1..=1);
        let next = poll(&feed, None, Duration::ZERO).await.next;
        let mut waiters = Vec::new();
        for _ in 0..MAX_WAITING {
            waiters.push(waiting(&feed, &next).await);
        }
        assert_eq!(poll(&feed, Some(&next), LONG).await.sessions, []);
        waiters.pop().expect("a task").abort();
        while feed.waiting.available_permits() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let _in_its_place = waiting(&feed, &next).await;
    }

    #[tokio::test]
    async fn stop_answers_waiting_and_later_requests() {
        let feed = feed();
        end(&feed, 1..=1);
        let next = poll(&feed, None, Duration::ZERO).await.next;
        let waiting = waiting(&feed, &next).await;
        feed.stop_waiting();
        assert_eq!(waiting.await.expect("an answer").sessions, []);
        assert_eq!(poll(&feed, Some(&next), LONG).await.sessions, []);
    }

    #[tokio::test]
    async fn no_page_is_served_while_the_store_is_not_read() {
        let feed = feed();
        assert_eq!(feed.poll(None, LONG).await, Err(FeedUnavailable));
        end(&feed, 1..=1);
        let next = poll(&feed, None, Duration::ZERO).await.next;
        feed.revoked.mark_stale();
        assert_eq!(feed.poll(Some(&next), LONG).await, Err(FeedUnavailable));
        end(&feed, 2..=2);
        let waiting = {
            let (feed, next) = (feed.clone(), poll(&feed, None, Duration::ZERO).await.next);
            spawn(async move { feed.poll(Some(&next), LONG).await })
        };
        let outcome = timeout(LONG, waiting).await.expect("in time").expect("no panic");
        assert_eq!(outcome, Err(FeedUnavailable), "the last read is more than five seconds old");
    }

    #[tokio::test]
    async fn cursor_of_a_later_read_waits_for_this_node() {
        let feed = feed();
        end(&feed, 1..=1);
        let later: Cursor = "0.4.4".parse().expect("a cursor");
        let follower = feed.clone();
        let waiting = spawn(async move { poll(&follower, Some(&later), Duration::ZERO).await });
        sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        end(&feed, 2..=3);
        let page = waiting.await.expect("an answer");
        assert_eq!((page.sessions, page.is_reset), (Vec::new(), false), "it had these");
    }

    #[tokio::test]
    async fn cursor_from_the_future_gets_the_whole_list() {
        let feed = feed();
        end(&feed, 1..=1);
        let future: Cursor = "0.100.100".parse().expect("a cursor");
        let follower = feed.clone();
        let waiting = spawn(async move { poll(&follower, Some(&future), Duration::ZERO).await });
        sleep(Duration::from_millis(50)).await;
        end(&feed, 2..=2);
        let page = waiting.await.expect("an answer");
        assert_eq!((page.sessions.len(), page.is_reset), (2, true));
    }

    #[tokio::test]
    async fn page_is_bounded_and_is_written_as_json() {
        let feed = feed();
        end(&feed, 1..=i64::try_from(PAGE_SIZE).expect("a number") + 1);
        let first = poll(&feed, None, LONG).await;
        assert_eq!((first.sessions.len(), first.has_more), (PAGE_SIZE, true));
        assert!(first.to_json().len() < 200 * 1024);
        let second = poll(&feed, Some(&first.next), LONG).await;
        let synced_at = second.synced_at.unix_seconds();
        assert!((NOW - 5..=NOW).contains(&synced_at), "{synced_at}");
        assert_eq!(
            second.to_json(),
            format!(
                r#"{{"sessions":["00000000-0000-0000-0000-000000001389"],"next":"0.5002.5002","more":false,"reset":false,"synced_at":{synced_at},"keep_seconds":90000}}"#
            )
        );
    }
}
