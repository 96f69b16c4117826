//! What sessions are, told in the fewest words: the rules that the domain is compared with.
//!
//! Times are microseconds. A session's tokens are known by number: the last one is current, the one before it is its
//! predecessor, all others are older.

use auth_domain::model::{EndReason, RefreshStyle};

const SECOND: u64 = 1_000_000;

pub(crate) const IDLE: u64 = 100 * SECOND;
pub(crate) const ABSOLUTE: u64 = 150 * SECOND + SECOND / 4; // no whole second, so that cutting shows
pub(crate) const GRACE: u64 = 10 * SECOND;
pub(crate) const ACCESS: u64 = 30 * SECOND;
pub(crate) const LEEWAY: u64 = 5 * SECOND;
pub(crate) const MAX_LIVE: usize = 3;

/// What a refresh is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshOutcome {
    /// A token that has not been handed out before.
    New,
    /// The session's current token once more, as it was.
    Current,
    /// Nothing, and nothing changes.
    Refused,
    /// Nothing, and the session has ended.
    Replayed,
}

/// What an access token says of its time, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
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
    /// How many tokens have been handed out that refresh it.
    pub(crate) tokens: usize,
}

impl Session {
    pub(crate) fn begin(client: usize, style: RefreshStyle, now: u64) -> Self {
        Self { client, style, began: now, refreshed: now, ended: None, tokens: 1 }
    }

    pub(crate) fn ends_at(&self) -> u64 {
        (self.began + ABSOLUTE).min(self.refreshed + IDLE)
    }

    pub(crate) fn is_live(&self, now: u64) -> bool {
        self.ended.is_none() && now < self.ends_at()
    }

    /// What an access token says that the session gets at its last refresh.
    pub(crate) fn access(&self) -> Access {
        let issued = self.refreshed / SECOND;
        Access { issued, expires: (issued + ACCESS / SECOND).min(self.ends_at() / SECOND) }
    }

    /// Somebody presents the token of this number by a client.
    pub(crate) fn refresh(&mut self, token: usize, client: usize, now: u64) -> RefreshOutcome {
        if client != self.client || !self.is_live(now) {
            return RefreshOutcome::Refused;
        }
        let successors = self.tokens - 1 - token;
        let answer = match successors {
            _ if self.style == RefreshStyle::Reusable => RefreshOutcome::Current,
            0 => RefreshOutcome::New,
            1 if now - self.refreshed < GRACE => return RefreshOutcome::Current,
            _ => RefreshOutcome::Replayed,
        };
        match answer {
            RefreshOutcome::Replayed => self.ended = Some(EndReason::Replayed),
            RefreshOutcome::New => self.tokens += 1,
            RefreshOutcome::Current | RefreshOutcome::Refused => {}
        }
        if self.ended.is_none() {
            self.refreshed = now;
        }
        answer
    }

    /// Somebody logs the session out; whether that ended it.
    pub(crate) fn log_out(&mut self) -> bool {
        let ends = self.ended.is_none();
        self.ended.get_or_insert(EndReason::LoggedOut);
        ends
    }

    /// Whether an access token of this session serves: it does not outlive a session that is over by itself, but for the
    /// leeway.
    pub(crate) fn admits(&self, access: Access, now: u64) -> bool {
        self.ended.is_none() && access.issued < access.expires && now < access.expires * SECOND + LEEWAY
    }
}

/// Ends the oldest of a user's sessions so that one more fits in.
pub(crate) fn make_room(sessions: &mut [Session], now: u64) {
    let live = sessions.iter().filter(|session| session.is_live(now)).count();
    let surplus = (live + 1).saturating_sub(MAX_LIVE);
    for oldest in sessions.iter_mut().filter(|session| session.is_live(now)).take(surplus) {
        oldest.ended = Some(EndReason::Superseded);
    }
}
