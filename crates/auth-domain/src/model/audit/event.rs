//! What happened, and how it is kept and looked for.

use std::fmt;
use std::time::Duration;

use super::{AuditAction, AuditDetail, DenialReason};
use crate::model::{Caller, ClientId, SessionId, Timestamp, UserId};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Succeeded,
    /// It was not done.
    Denied(DenialReason),
}

impl AuditOutcome {
    /// `succeeded` or `denied`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied(_) => "denied",
        }
    }

    /// Why it was denied, if it was.
    #[must_use]
    pub fn denial(self) -> Option<DenialReason> {
        match self {
            Self::Succeeded => None,
            Self::Denied(reason) => Some(reason),
        }
    }
}

/// Something that happened, or was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: AuditAction,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// The user whom it is about, as far as that is known. They may be gone by now.
    pub user: Option<UserId>,
    /// The session that it is about.
    pub session: Option<SessionId>,
    /// The client that it came through.
    pub client: Option<ClientId>,
    /// On whose behalf it was asked for.
    pub caller: Caller,
    /// What else is worth knowing.
    pub detail: Option<AuditDetail>,
}

impl AuditEvent {
    /// Whether the event is worth room in a store. What anybody can cause in any number, without a user, a session or
    /// a key of ours, is not: whoever sends rubbish must not be able to fill the disk with it. Nor is what came after too
    /// many attempts, which are kept themselves, nor an access token that opens nothing any more: why is known of its
    /// session, and its bearer may show it as often as they like.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let is_cheap = matches!(
            self.outcome.denial(),
            Some(DenialReason::NotOurs | DenialReason::TokenExpired | DenialReason::TooManyAttempts)
        );
        !is_cheap && self.action != AuditAction::UserAuthenticated
    }
}

/// The number of an event in its store. A greater number is a later event; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number.
    pub id: AuditId,
    /// The event.
    pub event: AuditEvent,
}

/// Which events are wanted; `None` lets every one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those about this user.
    pub user: Option<UserId>,
    /// Those of this action.
    pub action: Option<AuditAction>,
    /// Those at this time and after it.
    pub since: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether `event` is wanted.
    #[must_use]
    pub fn matches(&self, event: &AuditEvent) -> bool {
        self.user.is_none_or(|user| event.user == Some(user))
            && self.action.is_none_or(|action| event.action == action)
            && self.since.is_none_or(|since| event.at >= since)
    }
}

/// The retention of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPolicy {
    /// The time after which an event may be deleted. `None` keeps events forever. Default: 90 days.
    pub retention: Option<Duration>,
}

impl Default for AuditPolicy {
    fn default() -> Self {
        Self { retention: Some(Duration::from_secs(90 * 24 * 60 * 60)) }
    }
}
