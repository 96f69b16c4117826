//! The port to revoked sessions.

use std::time::Duration;

use crate::model::SessionId;

/// The minimum time for which a revoked session is remembered. For a token older than that, the store must be queried.
pub const REVOCATION_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The state of a session as known without a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The session has not been ended. Whether it began and has not expired follows from the signed token.
    Live,
    /// The session was ended before its expiry, or it was deleted.
    Ended,
    /// The state is not known, and the store must be queried.
    Unknown,
}

/// Reports which sessions are revoked, so that an access token can be checked without a query.
///
/// - MUST NOT return [`Live`](SessionState::Live) for a session that was ended, or deleted while it was live. This
///   holds from the moment the ending call returns, for [`REVOCATION_RETENTION`].
/// - MUST NOT return [`Ended`](SessionState::Ended) for a live session.
/// - MUST return [`Ended`](SessionState::Ended) within one second when another node ended the session. It MUST return
///   [`Unknown`](SessionState::Unknown) while its information may be older than five seconds.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RevocationFeed: Send + Sync {
    /// Returns the state of a session.
    fn session_state(&self, session: SessionId) -> SessionState;
}
