//! What the two adapters agree on about the work of one call.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use auth_domain::ports::PortError;
use tokio::time::timeout;

use super::ErrorMessage;

/// The longest wait for a connection, for a statement, and for the answer whether the store is there.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest that a call takes, all its waits together: a client is to be answered within 3.5 seconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// How a transaction is to end, and what comes of it. A transaction whose work fails is rolled back as well.
#[derive(Debug)]
pub(crate) enum TxOutcome<T> {
    /// What was written is to stay.
    Commit(T),
    /// What was written is to stay, and sessions may have ended by it: that has to be known before the call is answered.
    CommitRevoking(T),
    /// Nothing is to change.
    Rollback(T),
}

impl TxOutcome<bool> {
    /// The end of a transaction that tells whether it changed anything.
    pub(crate) fn if_changed(changed: bool) -> Self {
        if changed { Self::Commit(true) } else { Self::Rollback(false) }
    }

    /// The end of a transaction that tells whether it ended any session.
    pub(crate) fn if_ended(ended: bool) -> Self {
        if ended { Self::CommitRevoking(true) } else { Self::Rollback(false) }
    }
}

impl<T> TxOutcome<Option<T>> {
    /// The end of a transaction that returns what it ended, if anything.
    pub(crate) fn revoking(ended: Option<T>) -> Self {
        if ended.is_some() { Self::CommitRevoking(ended) } else { Self::Rollback(None) }
    }
}

/// Gives up after `limit`. Dropping `work` must leave no connection behind that is still busy with it. It comes pinned,
/// because a future that is handed on by value takes its room once more at every hand.
pub(crate) async fn within<T>(
    limit: Duration,
    work: Pin<&mut impl Future<Output = Result<T, PortError>>>,
) -> Result<T, PortError> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let detail = ErrorMessage::new(format!("no answer within {} s", limit.as_secs()));
        Err(PortError::Unavailable(Box::new(detail)))
    })
}
