//! How a transaction ends, and how long a call may take.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use auth_domain::ports::PortError;
use tokio::time::timeout;

/// The longest wait for a connection, for a lock of SQLite, and for a readiness check.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest duration of a call, including all its waits. A client is answered within 3.5 seconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// The longest wait for the end of open calls and connections. No call takes longer than [`DEADLINE`]. A server that no
/// longer answers must not keep the program from ending.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How to end a transaction, with the result of its work. A transaction whose work fails is rolled back as well.
#[derive(Debug)]
pub(crate) enum TxOutcome<T> {
    Commit(T),
    /// Commit, and publish the sessions that the transaction ended before the call returns.
    CommitRevoking(T),
    Rollback(T),
}

impl TxOutcome<bool> {
    pub(crate) fn if_changed(changed: bool) -> Self {
        if changed { Self::Commit(true) } else { Self::Rollback(false) }
    }

    pub(crate) fn if_revoked(revoked: bool) -> Self {
        if revoked { Self::CommitRevoking(true) } else { Self::Rollback(false) }
    }
}

impl TxOutcome<u64> {
    pub(crate) fn if_purged(rows: u64) -> Self {
        if rows > 0 { Self::Commit(rows) } else { Self::Rollback(0) }
    }
}

impl<T> TxOutcome<Option<T>> {
    pub(crate) fn revoking(ended: Option<T>) -> Self {
        if ended.is_some() { Self::CommitRevoking(ended) } else { Self::Rollback(None) }
    }
}

/// Gives up after `limit`. Dropping `work` must not leave a connection behind that is still busy with it. The future is
/// pinned by the caller, because each function that takes a future by value doubles its size in memory.
pub(crate) async fn within<T>(
    limit: Duration,
    work: Pin<&mut impl Future<Output = Result<T, PortError>>>,
) -> Result<T, PortError> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(PortError::Unavailable(format!("no answer within {} s", limit.as_secs()).into()))
    })
}
