//! What is allowed and for how long: plain data with defaults that are safe.

mod attempts;

use std::time::Duration;

use crate::model::{Blocklist, Session, SessionId, Timestamp};

pub use attempts::{AccountPolicy, AttemptPolicy, Rate};

/// Every rule that a deployment may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Rules of sessions.
    pub session: SessionPolicy,
    /// Rules of access tokens.
    pub token: TokenPolicy,
    /// The passwords that nobody may set. Default: none, and users may set their own names too.
    pub blocklist: Option<Blocklist>,
    /// Rules of the audit trail.
    pub audit: AuditPolicy,
    /// Limits on attempts.
    pub attempts: AttemptPolicy,
}

/// How long sessions live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// A session that is not refreshed for this long is over. Default: 14 days.
    pub idle: Duration,
    /// A session is over this long after login, however busy. Default: 30 days.
    pub absolute: Duration,
    /// For this long after a refresh the same credential is answered with the same successor again, as long as the
    /// successor is unused, so that a lost response logs nobody out. Zero: never. Default: 10 seconds.
    pub retry_grace: Duration,
    /// The most live sessions of one user; the oldest is ended for a new one. Default: 50.
    pub max_live: u32,
}

impl SessionPolicy {
    /// How many of a user's other sessions may be live when one begins.
    #[must_use]
    pub fn max_others(&self) -> u32 {
        self.max_live.saturating_sub(1)
    }

    /// Those of a user's `others` that have to end so that a session that begins `now` fits in: the oldest of the live
    /// ones.
    #[must_use]
    pub fn surplus(&self, mut others: Vec<Session>, now: Timestamp) -> Vec<SessionId> {
        others.retain(|session| session.is_live(now, self));
        others.sort_unstable_by_key(|session| (session.created_at, session.id));
        let room = usize::try_from(self.max_others()).unwrap_or(usize::MAX);
        let surplus = others.len().saturating_sub(room);
        others.into_iter().take(surplus).map(|session| session.id).collect()
    }
}

impl Default for SessionPolicy {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            idle: Duration::from_secs(14 * DAY),
            absolute: Duration::from_secs(30 * DAY),
            retry_grace: Duration::from_secs(10),
            max_live: 50,
        }
    }
}

/// How access tokens are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// How far the clocks of two nodes may differ (RFC 7519, section 4.1.4). Default: 5 seconds.
    pub leeway: Duration,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self { leeway: Duration::from_secs(5) }
    }
}

/// How long audit events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPolicy {
    /// An event is deleted this long after it happened; `None`: never. Default: 90 days.
    pub retention: Option<Duration>,
}

impl Default for AuditPolicy {
    fn default() -> Self {
        Self { retention: Some(Duration::from_secs(90 * 24 * 60 * 60)) }
    }
}
