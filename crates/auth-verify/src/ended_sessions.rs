//! The sessions that have ended, as read from the feed of the issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::{Moment, unix_seconds};
use crate::error::FetchError;
use crate::http::{HttpClient, fetch};
use crate::locks::{lock, read, write};
use crate::{Clock, SessionId};

/// How long a request waits for news at the issuer. The issuer allows 25 seconds.
const WAIT: Duration = Duration::from_secs(20);
/// The time for an answer, in addition to the wait.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The sessions that are kept, which is about 60 MiB.
const MAX_SESSIONS: usize = 1_000_000;
/// The longest time for which a session is kept, whatever the issuer says. No access token is valid for longer than a day.
const MAX_KEEP: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// The interval between two removals of sessions whose tokens have expired.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
/// The most pages of one list, which is five times the sessions that are kept.
pub(crate) const MAX_PAGES: u32 = 1_000;
/// The longest cursor.
const MAX_CURSOR: usize = 1_024;

/// What is known of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    Live,
    Ended,
    /// More sessions have ended than are kept.
    Unknown,
}

/// The ended sessions. Times are those of [`Clock::elapsed`].
pub(crate) struct EndedSessions {
    url: String,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    bound: usize,
    state: RwLock<State>,
    /// A request holds the lock, so that two followers do not ask for the same.
    position: Mutex<Position>,
}

/// Where the next request goes on.
#[derive(Debug, Default)]
struct Position {
    next: Option<String>,
    /// The pages since the last complete list.
    pages: u32,
}

#[derive(Debug, Default)]
struct State {
    /// Each with the time at which it may be forgotten.
    sessions: HashMap<Uuid, Duration>,
    /// When the last complete answer arrived, and how old it was then. Every session that had ended before is known.
    complete: Option<(Moment, Duration)>,
    /// Until this time, a session that did not fit in may have valid tokens.
    overflowed_until: Option<Duration>,
    pruned_at: Duration,
}

/// An answer of the feed. Further members are ignored.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    sessions: Vec<&'a str>,
    next: String,
    more: bool,
    #[serde(default)]
    reset: bool,
    synced_at: u64,
    keep_seconds: u64,
}

/// What a request has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The next request gets further sessions at once.
    pub(crate) has_more: bool,
    /// The issuer had no reason to answer at once.
    pub(crate) is_empty: bool,
}

impl EndedSessions {
    pub(crate) fn new(url: String, http: Arc<dyn HttpClient>, clock: Arc<dyn Clock>) -> Self {
        Self { url, http, clock, bound: MAX_SESSIONS, state: RwLock::default(), position: Mutex::default() }
    }

    #[cfg(test)]
    pub(crate) fn bounded(mut self, bound: usize) -> Self {
        self.bound = bound;
        self
    }

    /// Returns what is known of a session, and how old this knowledge is.
    pub(crate) fn look_up(&self, session: SessionId) -> (SessionState, Option<Duration>) {
        let state = read(&self.state);
        let known = if state.sessions.contains_key(&session.0) {
            SessionState::Ended
        } else if state.overflowed_until.is_some_and(|until| self.clock.elapsed() < until) {
            SessionState::Unknown
        } else {
            SessionState::Live
        };
        (known, state.age(Moment::now(&*self.clock)))
    }

    /// Returns how old the information is, or `None` before the first complete list.
    pub(crate) fn age(&self) -> Option<Duration> {
        read(&self.state).age(Moment::now(&*self.clock))
    }

    /// Asks for the sessions since the last request. With `wait`, the issuer answers when there are some, or after 20 seconds.
    pub(crate) fn fetch(&self, wait: bool) -> Result<Progress, FetchError> {
        let mut position = lock(&self.position);
        let wait = if wait { WAIT } else { Duration::ZERO };
        let after = position.next.as_ref().map(|next| format!("&after={next}")).unwrap_or_default();
        let query = format!("?wait={}{after}", wait.as_secs());
        let response = fetch(&*self.http, &self.url, &query, wait + TIMEOUT)?;
        let invalid = |reason| FetchError::Invalid { url: self.url.clone(), reason };
        let page = Page::parse(&response.body).map_err(invalid)?;
        if page.more && position.next.as_ref() == Some(&page.next) {
            return Err(invalid("it has more sessions, but the cursor does not advance"));
        }
        let progress = Progress { has_more: page.more, is_empty: page.sessions.is_empty() && !page.reset };
        self.apply(&page)?;
        position.next = Some(page.next);
        position.pages = if page.more { position.pages + 1 } else { 0 };
        if position.pages >= MAX_PAGES {
            // The next request goes on from here, as after every error.
            position.pages = 0;
            return Err(invalid("the list has no end"));
        }
        Ok(progress)
    }

    fn apply(&self, page: &Page<'_>) -> Result<(), FetchError> {
        let sessions: Result<Vec<_>, _> = page.sessions.iter().map(|id| Uuid::try_parse(id)).collect();
        let sessions = sessions
            .map_err(|_| FetchError::Invalid { url: self.url.clone(), reason: "a session is not a UUID" })?;
        let moment = Moment::now(&*self.clock);
        let now = self.clock.elapsed();
        let forget_at = now + Duration::from_secs(page.keep_seconds).min(MAX_KEEP);
        // An answer from a cache, or of a node that is cut off from its store, is older than it seems.
        let age = Duration::from_secs(unix_seconds(self.clock.now()).saturating_sub(page.synced_at));
        let mut state = write(&self.state);
        state.prune(now);
        for session in sessions {
            if state.sessions.len() < self.bound || state.sessions.contains_key(&session) {
                let known = state.sessions.entry(session).or_default();
                *known = forget_at.max(*known);
            } else {
                state.overflowed_until = state.overflowed_until.max(Some(forget_at));
            }
        }
        if !page.more {
            let is_older = state.age(moment).is_some_and(|known| known < age);
            state.complete = if is_older { state.complete } else { Some((moment, age)) };
        }
        Ok(())
    }
}

impl State {
    fn age(&self, now: Moment) -> Option<Duration> {
        self.complete.map(|(arrived, age)| now.since(arrived).saturating_add(age))
    }

    fn prune(&mut self, now: Duration) {
        if now.saturating_sub(self.pruned_at) >= PRUNE_INTERVAL {
            self.sessions.retain(|_, forget_at| *forget_at > now);
            self.pruned_at = now;
        }
    }
}

impl<'a> Page<'a> {
    fn parse(json: &'a [u8]) -> Result<Self, &'static str> {
        let page: Self = serde_json::from_slice(json).map_err(|_| "it is not a page of the feed")?;
        let is_cursor = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if page.next.is_empty() || page.next.len() > MAX_CURSOR || !page.next.bytes().all(is_cursor) {
            return Err("the cursor has characters that a URL cannot contain");
        }
        Ok(page)
    }
}
