//! Sessions: one login, from its first token to its end.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::{PasswordVersion, Roles, SecretDigest, Timestamp, UserId, UserStatus};

/// A session's id: the `sid` of its access tokens (`OpenID` Connect Front-Channel Logout 1.0, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a session's tokens were issued to: a token is refreshed by the client that it was issued to and by no other
/// (RFC 6749, section 10.4). It is the `client_id` of the access tokens (RFC 9068, section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(Cow<'static, str>);

impl ClientId {
    /// The id of a client that the program knows by name.
    #[must_use]
    pub const fn from_static(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClientId {
    fn from(id: String) -> Self {
        Self(Cow::Owned(id))
    }
}

/// How a client's sessions are refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshStyle {
    /// The current access token is presented itself, and another takes its place.
    SelfRenewing,
    /// An opaque token is presented, and another takes its place.
    Rotating,
    /// An opaque token is presented and stays the same.
    Reusable,
}

/// A client that the program issues tokens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// How its sessions are refreshed.
    pub refresh_style: RefreshStyle,
    /// How long its access tokens live.
    pub access_lifetime: Duration,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its user logged out.
    LoggedOut,
    /// Its user's password was changed.
    PasswordChanged,
    /// Its user was suspended.
    Suspended,
    /// Its user was given other roles than its tokens say.
    RolesChanged,
    /// A refresh credential that had been used before was presented: somebody else may hold it.
    Replayed,
    /// Its user had more live sessions than the policy allows, and this was the oldest.
    Superseded,
}

impl EndReason {
    const ALL: [Self; 6] = [
        Self::LoggedOut,
        Self::PasswordChanged,
        Self::Suspended,
        Self::RolesChanged,
        Self::Replayed,
        Self::Superseded,
    ];

    /// The reason as it is stored and logged.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::PasswordChanged => "password_changed",
            Self::Suspended => "suspended",
            Self::RolesChanged => "roles_changed",
            Self::Replayed => "replayed",
            Self::Superseded => "superseded",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    #[must_use]
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == reason)
    }
}

/// How and when a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// One login of one user through one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Who its tokens are issued to.
    pub client_id: ClientId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last refreshed; when it began, if never.
    pub last_refreshed_at: Timestamp,
    /// When it ends however busy it is.
    pub expires_at: Timestamp,
    /// How it was ended before its time, if it was.
    pub end: Option<SessionEnd>,
}

impl Session {
    /// When the session ends by itself unless it is refreshed before.
    #[must_use]
    pub fn ends_at(&self, policy: &SessionPolicy) -> Timestamp {
        self.expires_at.min(self.last_refreshed_at.plus(policy.idle))
    }

    /// Whether the session can still be refreshed and its access tokens still serve.
    #[must_use]
    pub fn is_live(&self, now: Timestamp, policy: &SessionPolicy) -> bool {
        self.end.is_none() && now < self.ends_at(policy)
    }
}

/// The lifetime of sessions and their number per user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The idle timeout: a session ends when it is not refreshed for this long. Default: 14 days.
    pub idle: Duration,
    /// The absolute timeout: a session ends this long after the log-in. Default: 30 days.
    pub absolute: Duration,
    /// The retry window after a rotation. While it is open and the successor is unused, the consumed credential is
    /// answered with the same successor, so that a lost response does not log the user out. Zero disables retries.
    /// Default: 10 seconds.
    pub retry_grace: Duration,
    /// The maximum number of live sessions per user. A new session ends the oldest. Default: 50.
    pub max_live: u32,
}

impl SessionPolicy {
    /// Returns how many other sessions of a user may be live when one begins.
    #[must_use]
    pub fn max_others(&self) -> u32 {
        self.max_live.saturating_sub(1)
    }

    /// Returns the sessions among a user's `others` that must end so that a session can begin `now`: the oldest live
    /// ones above the limit.
    #[must_use]
    pub fn surplus(&self, mut others: Vec<Session>, now: Timestamp) -> Vec<SessionId> {
        others.retain(|session| session.is_live(now, self));
        others.sort_unstable_by_key(|session| (session.created_at, session.id));
        let max_others = usize::try_from(self.max_others()).unwrap_or(usize::MAX);
        let surplus = others.len().saturating_sub(max_others);
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

/// A session that is to be stored, with its first refresh credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The session, live.
    pub session: Session,
    /// What the first refresh credential is found by.
    pub credential: SecretDigest,
    /// The password that was proven.
    pub password_version: PasswordVersion,
    /// The roles that its first access token says.
    pub roles: Roles,
}

impl NewSession {
    /// Whether the session may begin for a user who has this status, this password and these roles now: all of them may
    /// have changed since the password was proven and the first access token was signed.
    #[must_use]
    pub fn may_begin(&self, status: UserStatus, version: PasswordVersion, roles: &Roles) -> bool {
        status == UserStatus::Active && version == self.password_version && *roles == self.roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let created_at = Timestamp::from_unix_seconds(1_000_000);
        Session {
            id: SessionId(Uuid::from_u128(1)),
            user_id: UserId(Uuid::from_u128(2)),
            client_id: ClientId::from_static("example"),
            created_at,
            last_refreshed_at: created_at,
            expires_at: created_at.plus(Duration::from_secs(3_000)),
            end: None,
        }
    }

    fn policy() -> SessionPolicy {
        SessionPolicy { idle: Duration::from_secs(1_000), ..SessionPolicy::default() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000 + seconds)
    }

    #[test]
    fn a_session_lives_until_it_has_been_idle_for_too_long() {
        assert!(session().is_live(at(999), &policy()));
        assert!(!session().is_live(at(1_000), &policy()));
    }

    #[test]
    fn refreshing_does_not_carry_a_session_past_its_absolute_limit() {
        let busy = Session { last_refreshed_at: at(2_999), ..session() };
        assert!(busy.is_live(at(2_999), &policy()));
        assert!(!busy.is_live(at(3_000), &policy()));
    }

    #[test]
    fn an_ended_session_is_over() {
        let end = Some(SessionEnd { at: at(1), reason: EndReason::LoggedOut });
        assert!(!Session { end, ..session() }.is_live(at(1), &policy()));
    }

    #[test]
    fn a_reason_is_read_as_it_is_written() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
    }
}
