//! The port to what is known, without asking the store, of sessions that have ended.

use std::time::Duration;

use crate::model::SessionId;

/// For how long after its end a session is known to have ended, at the least. Of a token that is older the store has to
/// be asked.
pub const REVOCATION_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a session stands, as far as that is known without asking the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It has not been ended. This says nothing of whether it ever began or has expired: a signed token says both.
    Live,
    /// It has ended before its time, or it was deleted.
    Ended,
    /// It cannot be told: the store has to be asked.
    Unknown,
}

/// Knows which sessions have ended, so that whoever bears an access token need not be looked up.
///
/// - MUST NOT answer [`Live`](SessionState::Live) for a session that was ended, or deleted while it was live, once the call
///   that did so has been answered, for [`REVOCATION_RETENTION`] from then on.
/// - MUST NOT answer [`Ended`](SessionState::Ended) for a session that goes on.
/// - MUST answer [`Ended`](SessionState::Ended) within a second when the session was ended elsewhere, and
///   [`Unknown`](SessionState::Unknown) as long as what it knows may be older than five seconds.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RevocationFeed: Send + Sync {
    /// Where the session stands.
    fn session_state(&self, session: SessionId) -> SessionState;
}
