//! Transactions on PostgreSQL.

use auth_domain::ports::PortError;
use sqlx::PgConnection;

use super::error::DbError;
use super::shared::{Database, commit};
use crate::sql::{Lease, TxOutcome, Work};

/// The sessions that the current transaction has ended.
const REVOKED_HERE: &str = "SELECT session_id FROM revoked_sessions WHERE recorded_by = pg_current_xact_id()";

impl Database {
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
}

/// Commits and publishes the revoked sessions. They are read before the commit: they are those of this transaction.
pub(super) async fn commit_revoking(lease: &mut Lease<PgConnection>) -> Result<(), DbError> {
    let revoked = sqlx::query_scalar(REVOKED_HERE).fetch_all(&mut **lease).await?;
    commit(lease).await?;
    lease.revoked().insert(revoked);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::postgres::{PostgresSettings, PostgresStore};
    use crate::sql::ErrorMessage;

    /// Fails with `error` that many times, then succeeds. Returns the outcome and the number of attempts.
    async fn attempts(error: fn(ErrorMessage) -> DbError, failures: u32) -> (Result<(), PortError>, u32) {
        let settings =
            PostgresSettings { max_connections: 4, ..PostgresSettings::new("postgres://db.example") };
        let store = PostgresStore::connect(&settings).expect("a store");
        let attempts = Cell::new(0);
        let outcome = store.db.retry(|| async {
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
