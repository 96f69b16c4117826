//! The port to the stored sessions.

use async_trait::async_trait;

use super::PortError;
use crate::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    SessionPolicy, Timestamp, User,
};

/// What came of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// The session is stored.
    Opened,
    /// The user is gone or suspended, or the password or the roles were changed since the password was proven.
    Denied,
}

/// Keeps sessions and their refresh credentials. Each method is one transaction: it happens whole or not at all.
///
/// - MUST give back every member of a session as it was stored.
/// - MUST open no session for a user who is gone or suspended, nor for a password or roles that have been changed: even
///   when that happens at the same time.
/// - MUST end the oldest other live sessions of a user, with [`EndReason::Superseded`], so that not more than
///   [`SessionPolicy::max_live`] are live when a session has been opened; the oldest are those that began first.
/// - MUST judge an attempt to refresh by [`RefreshRecord::judge`](crate::model::RefreshRecord::judge), on a record
///   that still holds when the verdict is carried out, whether a lock of the session keeps it so or the writing statement
///   looks again, and carry out the verdict before any other judgement over that session:
///   - `Rotate`: the presented credential becomes consumed at the attempt's time with the attempt's nonce; the
///     nonces of the session's other credentials are forgotten; the attempt's successor becomes current; the session
///     counts as refreshed at the attempt's time.
///   - `Extend`: the session counts as refreshed at the attempt's time.
///   - `Replay`: the session ends with [`EndReason::Replayed`].
///   - `Retry`, `Deny`: nothing changes.
/// - MUST, of any number of concurrent attempts with one credential, judge exactly one to rotate.
/// - MUST end a session once: the first end stays, and only the call that ended the session returns it, as it is stored
///   afterwards.
/// - MUST leave the other sessions of a user alone when it ends one.
/// - MUST purge only sessions that are not live, with their credentials, and in the end all of them, however many
///   credentials they have.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Stores a new session.
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError>;

    /// The session, live or not, and its user.
    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError>;

    /// Judges an attempt to refresh and carries out the verdict; `None` when there is no such credential.
    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError>;

    /// Ends a session and returns it. Returns `None` when there is no such session or it has ended before.
    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError>;

    /// Ends the session of `client` that a credential belongs to, whether or not the credential is consumed, and returns
    /// the session. Returns `None` when there is no such session or it has ended before.
    async fn end_by_credential(
        &self,
        credential: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError>;

    /// Deletes at most `limit` credentials of sessions that are not live, and at most `limit` of those sessions, as soon
    /// as they have no credentials left: a session may have any number of them, and a call must not take any amount of
    /// time. So with what a store records of its own that is not needed any more. How many were deleted together; 0 when
    /// nothing is left.
    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError>;
}
