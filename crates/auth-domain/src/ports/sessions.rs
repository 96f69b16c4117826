//! The port to stored sessions.

use async_trait::async_trait;

use super::PortError;
use crate::model::{
    ClientId, EndReason, JudgedRefresh, NewSession, RefreshAttempt, SecretDigest, Session, SessionId,
    SessionPolicy, Timestamp, User,
};

/// The outcome of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// The session is stored.
    Opened,
    /// The user was deleted or suspended, or the password or the roles have changed since the password was verified.
    Denied,
}

/// Stores sessions with their refresh credentials. Each method is one transaction.
///
/// - MUST return every member of a session and its whole [chain](crate::model::CredentialChain) as they were stored:
///   every byte, every microsecond, and the order.
/// - MUST find a session by its id or by its whole token family, never by a credential.
/// - MUST return [`PortError::Corrupt`], and change nothing, when the id or the token family of a new session is taken.
/// - MUST NOT open a session for a deleted or suspended user, nor with an outdated password version or roles. This
///   holds for concurrent changes as well.
/// - MUST end the oldest other live sessions of a user with [`EndReason::Superseded`], so that at most
///   [`SessionPolicy::max_live`] are live after a session was opened. The oldest are those that began first. All clients
///   share the limit, and the new session is live even if the limit is 0. The `created_at` of the new session decides
///   which sessions are live, and is the time of their end.
/// - MUST decide on a refresh attempt with [`RefreshRecord::judge`](crate::model::RefreshRecord::judge), and carry out
///   the verdict before any other decision about that session. The record MUST still be valid when the verdict is
///   carried out. Either a lock on the session ensures this, or the writing statement checks it again. The verdicts
///   mean:
///   - `Rotate`: the chain of the verdict replaces that of the session. The attempt's `received_at` becomes the time of the
///     last refresh, even if it is the earlier one.
///   - `Extend`: the attempt's `received_at` becomes the time of the last refresh, even if it is the earlier one.
///   - `Replay`: the session ends at the attempt's `received_at` with [`EndReason::Replayed`].
///   - `Retry`, `Deny`: nothing changes.
/// - MUST give exactly one of any number of concurrent attempts with one credential the verdict to rotate.
/// - MUST end a session once: the first end stays, and only the call that ended the session returns it, as it is stored
///   afterwards. An ended session and its chain do not change, until it is purged.
/// - MUST NOT change other sessions of a user when it ends one.
/// - MUST purge only sessions that are not live, and eventually all of them. Their token families are purged with them.
///   With a limit above 0, a purge MUST return 0 only if nothing is left to delete or erase. It may skip sessions that a
///   concurrent call changes.
/// - MUST eventually erase the consumed credentials of sessions that were last refreshed at or before
///   [`SessionPolicy::credentials_kept_since`]. With a consumed credential, its nonce yields the current one. It MUST
///   NOT erase any other credential, nor the current one.
/// - MUST answer concurrent calls for one user without an error.
/// - MUST store a change durably before the call returns: a program that is started again reads it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Stores a new session.
    async fn open(&self, session: &NewSession, policy: &SessionPolicy) -> Result<OpenOutcome, PortError>;

    /// Returns a session, live or not, and its user.
    async fn find(&self, session: SessionId) -> Result<Option<(Session, User)>, PortError>;

    /// Returns the session with this token family, live or not, and its user.
    async fn find_by_family(&self, family: &SecretDigest) -> Result<Option<(Session, User)>, PortError>;

    /// Decides on a refresh attempt and carries out the verdict. Returns `None` when no session has the token family.
    async fn refresh(&self, attempt: &RefreshAttempt) -> Result<Option<JudgedRefresh>, PortError>;

    /// Ends a session and returns it. Returns `None` when there is no such session or it has ended before.
    async fn end(
        &self,
        session: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError>;

    /// Ends the session of `client` with this token family, and returns it. Returns `None` when there is no such session
    /// or it has ended before.
    async fn end_by_family(
        &self,
        family: &SecretDigest,
        client: &ClientId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, PortError>;

    /// Deletes at most `limit` sessions that are not live, and erases the consumed credentials of at most `limit` other
    /// sessions. Internal records of the store that are no longer needed are deleted as well.
    ///
    /// Returns how many rows were deleted or changed in total. The caller repeats the call until it returns 0.
    async fn purge(&self, now: Timestamp, policy: &SessionPolicy, limit: u32) -> Result<u64, PortError>;
}
