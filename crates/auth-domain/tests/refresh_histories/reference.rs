//! The reference implementation of the session rules.
//!
//! Times are in microseconds. The tokens of a session are numbered: the last one is current, all others were consumed by the
//! token after them.

use auth_domain::model::{EndReason, RefreshStyle};

const SECOND: u64 = 1_000_000;

pub(crate) const IDLE: u64 = 100 * SECOND;
pub(crate) const ABSOLUTE: u64 = 150 * SECOND + SECOND / 4; // not a whole second, so that truncation is visible
pub(crate) const GRACE: u64 = 10 * SECOND;
pub(crate) const ACCESS: u64 = 30 * SECOND;
pub(crate) const LEEWAY: u64 = 5 * SECOND;
pub(crate) const MAX_LIVE: usize = 4;
/// How long a consumed token is remembered after its retry window, for requests that wait for their verdict.
pub(crate) const DELAY: u64 = 10 * SECOND;
const ROTATIONS: usize = 16;

/// The outcome of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshOutcome {
    /// A token that was not issued before.
    New,
    /// The current token again, unchanged.
    Current,
    /// No token; the session is unchanged.
    Refused,
    /// No token; the session has ended.
    Replayed,
    /// No token for this many microseconds; the session is unchanged.
    Throttled(u64),
    /// No token and no decision, because the clock is behind; the session is unchanged.
    ClockBehind,
}

/// The times in an access token, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccessTimes {
    pub(crate) issued: u64,
    pub(crate) expires: u64,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: usize,
    pub(crate) style: RefreshStyle,
    pub(crate) began: u64,
    pub(crate) refreshed: u64,
    pub(crate) ended: Option<EndReason>,
    /// When each token was consumed, except the current one.
    pub(crate) consumed: Vec<u64>,
    /// The number of consumed tokens that are no longer remembered.
    forgotten: usize,
}

impl Session {
    pub(crate) fn begin(client: usize, style: RefreshStyle, now: u64) -> Self {
        Self { client, style, began: now, refreshed: now, ended: None, consumed: Vec::new(), forgotten: 0 }
    }

    pub(crate) fn ends_at(&self) -> u64 {
        (self.began + ABSOLUTE).min(self.refreshed + IDLE)
    }

    pub(crate) fn is_live(&self, now: u64) -> bool {
        self.ended.is_none() && now < self.ends_at()
    }

    /// The times of the access token that the last refresh issued.
    pub(crate) fn access(&self) -> AccessTimes {
        let issued = self.refreshed / SECOND;
        AccessTimes { issued, expires: (issued + ACCESS / SECOND).min(self.ends_at() / SECOND) }
    }

    /// A client presents the token with this number in a request that was received at `now`.
    pub(crate) fn refresh(&mut self, token: usize, client: usize, now: u64) -> RefreshOutcome {
        if client != self.client || !self.is_live(now) {
            return RefreshOutcome::Refused;
        }
        if self.style == RefreshStyle::Reusable {
            self.refreshed = now;
            return RefreshOutcome::Current;
        }
        let Some(&consumed) = self.consumed.get(token) else { return self.rotate(now) };
        if token < self.forgotten {
            return self.replay();
        }
        if consumed > now + LEEWAY {
            return RefreshOutcome::ClockBehind;
        }
        if now < consumed + GRACE { RefreshOutcome::Current } else { self.replay() }
    }

    fn rotate(&mut self, now: u64) -> RefreshOutcome {
        let in_window = |at: &&u64| **at + GRACE > now && **at <= now + LEEWAY;
        let recent: Vec<u64> = self.consumed[self.forgotten..].iter().filter(in_window).copied().collect();
        if recent.len() >= ROTATIONS {
            return RefreshOutcome::Throttled(recent[recent.len() - ROTATIONS] + GRACE - now);
        }
        while self.consumed.get(self.forgotten).is_some_and(|at| at + GRACE + DELAY <= now) {
            self.forgotten += 1;
        }
        self.consumed.push(now);
        self.refreshed = now;
        RefreshOutcome::New
    }

    fn replay(&mut self) -> RefreshOutcome {
        self.ended = Some(EndReason::Replayed);
        RefreshOutcome::Replayed
    }

    /// Logs the session out; returns whether this call ended it.
    pub(crate) fn log_out(&mut self) -> bool {
        let ends = self.ended.is_none();
        self.ended.get_or_insert(EndReason::LoggedOut);
        ends
    }

    /// Whether an access token of this session is accepted. The token expires with the session at the latest, plus the
    /// leeway.
    pub(crate) fn admits(&self, access: AccessTimes, now: u64) -> bool {
        self.ended.is_none() && access.issued < access.expires && now < access.expires * SECOND + LEEWAY
    }
}

/// Ends the oldest live sessions so that one more is within the limit.
pub(crate) fn end_surplus(sessions: &mut [Session], now: u64) {
    let live = sessions.iter().filter(|session| session.is_live(now)).count();
    let surplus = (live + 1).saturating_sub(MAX_LIVE);
    for oldest in sessions.iter_mut().filter(|session| session.is_live(now)).take(surplus) {
        oldest.ended = Some(EndReason::Superseded);
    }
}
