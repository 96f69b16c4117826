//! Audit events and how they are filtered.

use std::fmt;
use std::time::Duration;

use super::{AuditAction, AuditDetail, DenialReason};
use crate::model::{AuditedCaller, ClientId, SessionId, Timestamp, UserId};

/// The outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// The action succeeded.
    Succeeded,
    /// The action was denied.
    Denied(DenialReason),
}

impl AuditOutcome {
    /// Returns `succeeded` or `denied`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied(_) => "denied",
        }
    }

    /// Returns the reason of a denial.
    #[must_use]
    pub fn denial(self) -> Option<DenialReason> {
        match self {
            Self::Succeeded => None,
            Self::Denied(reason) => Some(reason),
        }
    }
}

/// A recorded action, successful or denied, or several of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The time. Of merged events, that of the first one.
    pub at: Timestamp,
    /// How many events were merged into this one. `None` is a single event.
    pub merged: Option<MergedEvents>,
    /// The action.
    pub action: AuditAction,
    /// The outcome.
    pub outcome: AuditOutcome,
    /// The user that the event concerns, if known. The user may have been deleted since.
    pub user: Option<UserId>,
    /// The session that the event concerns.
    pub session: Option<SessionId>,
    /// The client through which the request came.
    pub client: Option<ClientId>,
    /// The caller on whose behalf the use case ran.
    pub caller: AuditedCaller,
    /// Additional information.
    pub detail: Option<AuditDetail>,
}

/// The events that were merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedEvents {
    /// Their number, at least 2.
    pub count: u32,
    /// The time of the last one.
    pub last_at: Timestamp,
}

impl AuditEvent {
    /// Returns the number of events that this one represents, at least 1.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.merged.map_or(1, |merged| merged.count)
    }

    /// Merges another event of the same action and outcome. The members that differ become `None`.
    pub(super) fn merge(&mut self, other: &Self) {
        fn keep_equal<T: PartialEq>(member: &mut Option<T>, other: Option<&T>) {
            if member.as_ref() != other {
                *member = None;
            }
        }
        let count = self.count().saturating_add(other.count());
        let last_at = self.last_at().max(other.last_at());
        self.merged = Some(MergedEvents { count, last_at });
        self.at = self.at.min(other.at);
        keep_equal(&mut self.user, other.user.as_ref());
        keep_equal(&mut self.session, other.session.as_ref());
        keep_equal(&mut self.client, other.client.as_ref());
        keep_equal(&mut self.caller.address, other.caller.address.as_ref());
        keep_equal(&mut self.caller.request, other.caller.request.as_ref());
        keep_equal(&mut self.caller.api_key, other.caller.api_key.as_ref());
        keep_equal(&mut self.detail, other.detail.as_ref());
    }

    fn last_at(&self) -> Timestamp {
        self.merged.map_or(self.at, |merged| merged.last_at)
    }

    /// Returns whether the event is stored.
    ///
    /// Any caller can cause events without a user, a session or an API key of this service, in unlimited number. They
    /// are not stored, because they could fill the disk. Attempts after a limit was exceeded are dropped as well,
    /// because the exceeding attempts are stored. So are denials of outdated access tokens: the event that ended the
    /// session is stored, and the token may be presented any number of times.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let is_cheap = matches!(
            self.outcome.denial(),
            Some(DenialReason::NotOurs | DenialReason::TokenExpired | DenialReason::TooManyAttempts)
        );
        !is_cheap && self.action != AuditAction::UserAuthenticated
    }
}

/// The position of an event in its store. A greater number is a later event; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The position.
    pub id: AuditId,
    /// The event.
    pub event: AuditEvent,
}

/// A selection of events. `None` matches every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Events that concern this user.
    pub user: Option<UserId>,
    /// Events of this action.
    pub action: Option<AuditAction>,
    /// Events at or after this time.
    pub since: Option<Timestamp>,
}

impl AuditFilter {
    /// Returns whether `event` matches.
    #[must_use]
    pub fn matches(&self, event: &AuditEvent) -> bool {
        self.user.is_none_or(|user| event.user == Some(user))
            && self.action.is_none_or(|action| event.action == action)
            && self.since.is_none_or(|since| event.at >= since)
    }
}

/// The retention of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditPolicy {
    /// The time after which an event may be deleted. `None` keeps events forever. Default: 90 days.
    pub retention: Option<Duration>,
}

impl Default for AuditPolicy {
    fn default() -> Self {
        Self { retention: Some(Duration::from_secs(90 * 24 * 60 * 60)) }
    }
}
