//! Sessions and the clients they belong to.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::session_end::SessionEnd;
use super::{PasswordVersion, Roles, SecretDigest, Timestamp, UserId, UserStatus};

/// The id of a session: the `sid` of its access tokens (`OpenID` Connect Front-Channel Logout 1.0, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a client: the `client_id` of its access tokens (RFC 9068, section 2.2). Only the client that a token was
/// issued to can refresh it (RFC 6749, section 10.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(Cow<'static, str>);

impl ClientId {
    /// The id of a client that is fixed at compile time.
    #[must_use]
    pub const fn from_static(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// Returns the text of the id.
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

/// How a client refreshes its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshStyle {
    /// The client presents the current access token and receives a new one.
    SelfRenewing,
    /// The client presents an opaque token and receives a new one.
    Rotating,
    /// The client presents a signed token and receives a new one.
    RotatingSigned,
    /// The client presents an opaque token, which stays valid.
    Reusable,
}

/// A client that tokens are issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// The id.
    pub id: ClientId,
    /// How the client refreshes its sessions.
    pub refresh_style: RefreshStyle,
    /// The lifetime of its access tokens.
    pub access_lifetime: Duration,
}

impl Client {
    /// Creates a client whose access tokens live for 15 minutes.
    #[must_use]
    pub const fn new(id: ClientId, refresh_style: RefreshStyle) -> Self {
        Self { id, refresh_style, access_lifetime: Duration::from_mins(15) }
    }

    /// Sets the lifetime of access tokens.
    #[must_use]
    pub fn with_access_lifetime(self, access_lifetime: Duration) -> Self {
        Self { access_lifetime, ..self }
    }
}

/// One login of one user through one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// The client that its tokens are issued to.
    pub client_id: ClientId,
    /// The time of the login.
    pub created_at: Timestamp,
    /// The time of the last refresh, or of the login if there was none.
    pub last_refreshed_at: Timestamp,
    /// The absolute expiry, which a refresh does not extend.
    pub expires_at: Timestamp,
    /// The end, if the session was ended before its expiry.
    pub end: Option<SessionEnd>,
}

impl Session {
    /// Returns when the session expires unless it is refreshed before.
    #[must_use]
    pub fn ends_at(&self, policy: &SessionPolicy) -> Timestamp {
        self.expires_at.min(self.last_refreshed_at.plus(policy.idle))
    }

    /// Returns whether the session has neither ended nor expired at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp, policy: &SessionPolicy) -> bool {
        self.end.is_none() && now < self.ends_at(policy)
    }
}

/// A consumed credential is kept for this long after its retry window. A request that was received within the window may
/// be judged after it: every request is answered within 3.25 seconds. Another node, whose clock may be five seconds ahead,
/// may refresh the session in between.
pub(super) const JUDGEMENT_DELAY: Duration = Duration::from_secs(10);

/// The lifetime of sessions and their number per user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionPolicy {
    /// The idle timeout: a session ends when it is not refreshed for this long. Default: 14 days.
    pub idle: Duration,
    /// The absolute timeout: a session ends this long after the login. Default: 30 days.
    pub absolute: Duration,
    /// The retry window after a rotation. While it is open, the consumed credential yields the current one, so a lost
    /// response does not log the user out. Zero disables retries. Default: 10 seconds.
    pub retry_grace: Duration,
    /// The maximum time by which an outage of the store extends the retry window. Default: 60 seconds.
    pub outage_grace: Duration,
    /// The maximum number of live sessions per user. A new session ends the oldest. Default: 50.
    pub max_live: u32,
}

impl SessionPolicy {
    /// Returns the time since which a session must have been refreshed to keep its consumed credentials. No request that is
    /// still being judged can be a retry with those of other sessions.
    #[must_use]
    pub fn credentials_kept_since(&self, now: Timestamp) -> Timestamp {
        now.minus(self.retry_grace.saturating_add(self.outage_grace).saturating_add(JUDGEMENT_DELAY))
    }

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
            outage_grace: Duration::from_secs(60),
            max_live: 50,
        }
    }
}

/// A session that is about to be stored, with its first refresh credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The session, live.
    pub session: Session,
    /// The digest of the token family, by which refreshes find the session.
    pub family: SecretDigest,
    /// The digest of the first refresh credential.
    pub credential: SecretDigest,
    /// The version of the verified password.
    pub password_version: PasswordVersion,
    /// The roles in the first access token.
    pub roles: Roles,
}

impl NewSession {
    /// Returns whether the session may begin for a user with this status, password version and roles. All of them may
    /// have changed since the password was verified and the first access token was signed.
    #[must_use]
    pub fn may_begin(&self, status: UserStatus, version: PasswordVersion, roles: &Roles) -> bool {
        status == UserStatus::Active && version == self.password_version && *roles == self.roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EndReason;

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
    fn a_session_ends_after_the_idle_timeout() {
        assert!(session().is_live(at(999), &policy()));
        assert!(!session().is_live(at(1_000), &policy()));
    }

    #[test]
    fn a_refresh_does_not_extend_the_absolute_timeout() {
        let busy = Session { last_refreshed_at: at(2_999), ..session() };
        assert!(busy.is_live(at(2_999), &policy()));
        assert!(!busy.is_live(at(3_000), &policy()));
    }

    #[test]
    fn an_endless_retry_window_keeps_every_credential() {
        let policy = SessionPolicy { retry_grace: Duration::MAX, ..policy() };
        assert!(policy.credentials_kept_since(Timestamp::MAX) <= Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn an_ended_session_is_not_live() {
        let end = Some(SessionEnd { at: at(1), reason: EndReason::LoggedOut });
        assert!(!Session { end, ..session() }.is_live(at(1), &policy()));
    }
}
