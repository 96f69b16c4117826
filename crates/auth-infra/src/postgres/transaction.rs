//! The work of a call: on one connection, in one transaction, and retried where that is safe.

use std::future::Future;
use std::pin::pin;

use auth_domain::model::{User, UserId, UserRef};
use auth_domain::ports::{PortError, UserRepository as _};
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresStore;
use super::error::DbError;
use super::revocations;
use crate::sql::{DEADLINE, Lease, TxOutcome, within};

/// The work of a call, given a connection and its arguments. The future is boxed, because the compiler cannot prove that the
/// future of an async closure with borrowed arguments is `Send`.
pub(super) type Work<A, T> = for<'c> fn(&'c mut PgConnection, &'c A) -> BoxFuture<'c, Result<T, DbError>>;

/// The retries that a call has in addition to one per connection: for deadlocks and similar errors.
const SPARE_RETRIES: u32 = 3;

impl PostgresStore {
    /// Runs work that changes nothing.
    pub(super) async fn read<A, T>(&self, args: A, work: Work<A, T>) -> Result<T, PortError> {
        self.autocommit(args, work).await
    }

    /// Runs statements that are transactions of their own.
    pub(super) async fn autocommit<A, T>(&self, args: A, work: Work<A, T>) -> Result<T, PortError> {
        let args = &args;
        self.retry(|| async move {
            let mut lease = self.lease().await?;
            let outcome = work(&mut lease, args).await;
            if outcome.as_ref().err().is_none_or(DbError::connection_is_usable) {
                lease.give_back();
            }
            outcome
        })
        .await
    }

    /// Runs work in a transaction.
    pub(super) async fn write<A, T>(&self, args: A, work: Work<A, TxOutcome<T>>) -> Result<T, PortError> {
        self.write_after("BEGIN", args, work).await
    }

    /// Runs frequent work in a transaction. Only SQLite groups such calls.
    pub(super) async fn write_grouped<A, T>(
        &self,
        args: A,
        work: Work<A, TxOutcome<T>>,
    ) -> Result<T, PortError> {
        self.write(args, work).await
    }

    /// Runs work in a transaction that the statements of `begin` start.
    pub(super) async fn write_after<A, T>(
        &self,
        begin: &'static str,
        args: A,
        work: Work<A, TxOutcome<T>>,
    ) -> Result<T, PortError> {
        let args = &args;
        self.retry(|| async move {
            let mut lease = self.lease().await?;
            sqlx::raw_sql(begin).execute(&mut *lease).await?;
            let outcome = work(&mut lease, args).await;
            finish(lease, outcome).await
        })
        .await
    }

    /// Changes a user. The work gets the user's id and the arguments.
    pub(super) async fn write_user<A, T>(
        &self,
        user: UserId,
        args: A,
        work: Work<(UserId, A), TxOutcome<T>>,
    ) -> Result<T, PortError> {
        // The guard invalidates the cached user when the call ends, also if it fails or is cancelled: the commit may have
        // happened in each case.
        let _invalidate = self.user_cache.invalidate_on_drop(user);
        self.write((user, args), work).await
    }

    /// Finds a user in the cache, or else in the database.
    pub(super) async fn find_cached(&self, user: UserId) -> Result<Option<User>, PortError> {
        if let Some(cached) = self.user_cache.get(user)
            && self.pool.revoked().is_fresh()
        {
            return Ok(Some(User::clone(&cached)));
        }
        // The count is taken before the read: a user who changes in the meantime is not cached.
        let before = self.user_cache.change_count(user);
        let found = self.find(&UserRef::Id(user)).await?;
        if let Some(user) = &found {
            self.user_cache.insert_unless_changed(user, before);
        }
        Ok(found)
    }

    /// Repeats an attempt after a retryable error, within the deadline of a call.
    async fn retry<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        // After a restart of the server, every idle connection may be broken, and each costs one attempt.
        let mut retries_left = self.pool.max_connections().saturating_add(SPARE_RETRIES);
        let attempts = pin!(async {
            loop {
                match attempt().await {
                    Err(error) if error.is_retryable() && retries_left > 0 => retries_left -= 1,
                    outcome => return outcome.map_err(PortError::from),
                }
            }
        });
        within(DEADLINE, attempts).await
    }

    async fn lease(&self) -> Result<Lease<PgConnection>, DbError> {
        // The pool has already waited and retried, so this error is final.
        self.pool.lease().await.map_err(|error| DbError::from(error).not_retryable())
    }
}

/// Ends the transaction according to the outcome of its work, and gives the connection back.
async fn finish<T>(
    mut lease: Lease<PgConnection>,
    outcome: Result<TxOutcome<T>, DbError>,
) -> Result<T, DbError> {
    let outcome = match outcome {
        // The revoked sessions are read before the commit: they are those of this transaction.
        Ok(TxOutcome::CommitRevoking(value)) => {
            revocations::revoked_here(&mut lease).await.map(|revoked| (Some(revoked), value))
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
    use crate::postgres::PostgresSettings;
    use crate::sql::ErrorMessage;

    /// Fails with `error` that many times, then succeeds. Returns the outcome and the number of attempts.
    async fn attempts(error: fn(ErrorMessage) -> DbError, failures: u32) -> (Result<(), PortError>, u32) {
        let settings =
            PostgresSettings { max_connections: 4, ..PostgresSettings::new("postgres://user@invalid/none") };
        let store = PostgresStore::connect(&settings).expect("a store");
        let attempts = Cell::new(0);
        let outcome = store.retry(|| async {
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
        let unconfirmed = |message| DbError::Broken(message).not_retryable();
        assert!(matches!(attempts(unconfirmed, 1).await, (Err(PortError::Unavailable(_)), 1)));
    }
}
