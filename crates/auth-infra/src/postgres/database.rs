//! The connections to PostgreSQL, and how a transaction ends.

use std::sync::Arc;

use auth_domain::ports::PortError;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::types::Uuid;

use super::error::DbError;
use super::executor::Executor;
use crate::sql::{Lease, Pool, RevokedSessions, StoreError, TxOutcome, Work};

/// The retries that a call has in addition to one per connection: for deadlocks and similar errors.
const SPARE_RETRIES: u32 = 3;

/// The sessions that the current transaction has ended.
const REVOKED_HERE: &str = "SELECT session_id FROM revoked_sessions WHERE recorded_by = pg_current_xact_id()";

/// The pool, and the thread that executes batches. Cloning it is cheap: the clones share both.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) pool: Pool<PgConnection>,
    pub(super) executor: Arc<Executor>,
}

impl Database {
    pub(super) fn new(options: PgConnectOptions, max_connections: u32) -> Result<Self, StoreError> {
        Ok(Self { pool: Pool::new(options, max_connections), executor: Arc::new(Executor::start()?) })
    }

    /// Runs statements that are transactions of their own.
    pub(super) async fn autocommit<A, T>(
        &self,
        args: A,
        work: Work<PgConnection, A, T, DbError>,
    ) -> Result<T, PortError> {
        self.read(args, work).await
    }

    /// Runs frequent work in a transaction. Only SQLite groups such calls.
    pub(super) async fn write_grouped<A, T>(
        &self,
        args: A,
        work: Work<PgConnection, A, TxOutcome<T>, DbError>,
    ) -> Result<T, PortError> {
        self.write(args, work).await
    }

    pub(super) fn revoked(&self) -> &RevokedSessions {
        self.pool.revoked()
    }

    pub(super) async fn until_closed(&self, work: impl Future<Output = ()>) {
        self.pool.until_closed(work).await;
    }

    /// After a restart of the server, every idle connection may be broken, and each costs one attempt.
    pub(super) fn max_retries(&self) -> u32 {
        self.pool.max_connections().saturating_add(SPARE_RETRIES)
    }

    pub(super) async fn lease_reader(&self) -> Result<Lease<PgConnection>, DbError> {
        // The pool has already waited and retried, so this error is final.
        self.pool.lease().await.map_err(|error| DbError::from(error).not_retryable())
    }

    pub(super) async fn lease_writer(&self) -> Result<Lease<PgConnection>, DbError> {
        self.lease_reader().await
    }

    /// Ends the transaction according to the outcome of its work, and gives the connection back.
    pub(super) async fn finish<T>(
        mut lease: Lease<PgConnection>,
        outcome: Result<TxOutcome<T>, DbError>,
    ) -> Result<T, DbError> {
        let outcome = match outcome {
            // The revoked sessions are read before the commit: they are those of this transaction.
            Ok(TxOutcome::CommitRevoking(value)) => {
                revoked_here(&mut lease).await.map(|revoked| (Some(revoked), value))
            }
            Ok(TxOutcome::Commit(value)) => Ok((Some(Vec::new()), value)),
            Ok(TxOutcome::Rollback(value)) => Ok((None, value)),
            Err(error) => Err(error),
        };
        match outcome {
            Ok((Some(revoked), value)) => commit(lease, revoked).await.map(|()| value),
            Ok((None, value)) => {
                roll_back(lease).await;
                Ok(value)
            }
            Err(error) => {
                if error.connection_is_usable() {
                    roll_back(lease).await;
                }
                Err(error)
            }
        }
    }
}

async fn revoked_here(connection: &mut PgConnection) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(REVOKED_HERE).fetch_all(connection).await?)
}

async fn commit(mut lease: Lease<PgConnection>, revoked: Vec<Uuid>) -> Result<(), DbError> {
    // From here on the transaction may be committed, whatever the answer is. So no error is retryable.
    sqlx::raw_sql("COMMIT").execute(&mut *lease).await.map_err(DbError::of_commit)?;
    lease.revoked().insert(revoked);
    lease.give_back();
    Ok(())
}

async fn roll_back(mut lease: Lease<PgConnection>) {
    if sqlx::raw_sql("ROLLBACK").execute(&mut *lease).await.is_ok() {
        lease.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::sql::ErrorMessage;

    /// Fails with `error` that many times, then succeeds. Returns the outcome and the number of attempts.
    async fn attempts(error: fn(ErrorMessage) -> DbError, failures: u32) -> (Result<(), PortError>, u32) {
        let db = Database::new(PgConnectOptions::new_without_pgpass(), 4).expect("a database");
        let attempts = Cell::new(0);
        let outcome = db.retry(|| async {
            attempts.set(attempts.get() + 1);
            if attempts.get() > failures { Ok(()) } else { Err(error(ErrorMessage::new("for the test"))) }
        });
        (outcome.await, attempts.get())
    }

    #[tokio::test]
    async fn retryable_error_is_retried_once_per_connection_and_more() {
        for error in [DbError::Broken, DbError::Contended] {
            assert!(matches!(attempts(error, 7).await, (Ok(()), 8)));
            assert!(matches!(attempts(error, 8).await, (Err(PortError::Unavailable(_)), 8)));
        }
    }

    #[tokio::test]
    async fn other_errors_are_not_retried() {
        assert!(matches!(attempts(DbError::Unavailable, 1).await, (Err(PortError::Unavailable(_)), 1)));
        assert!(matches!(attempts(DbError::Corrupt, 1).await, (Err(PortError::Corrupt(_)), 1)));
        // As after an unconfirmed commit.
        let outcome = attempts(|message| DbError::Broken(message).not_retryable(), 1).await;
        assert!(matches!(outcome, (Err(PortError::Unavailable(_)), 1)));
    }
}
