//! The work of a call: on one connection, in one transaction, and again where that is safe.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;

use auth_domain::ports::PortError;
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresStore;
use super::error::DbError;
use super::revocations;
use crate::store::{DEADLINE, Lease, TxOutcome, within};

/// How often more than there are connections a call is attempted: for deadlocks and the like.
const SPARE_ATTEMPTS: u32 = 3;

impl PostgresStore {
    /// Does the work of a call by statements that are transactions of their own.
    pub(super) async fn at_once<T, F>(&self, work: impl Fn(Lease<PgConnection>) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let work = &work;
        self.retry(|| async move { work(self.lease().await?).await }).await
    }

    /// The outcome of a call, from what was done [at once](Self::at_once) if that decided it; else the work is done in one
    /// transaction, as by [`transaction`](Self::transaction).
    pub(super) async fn at_once_or_in_a_transaction<T, F>(
        &self,
        at_once: impl Future<Output = Result<ControlFlow<T>, PortError>>,
        work: impl Fn(Lease<PgConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let both = pin!(async {
            match at_once.await? {
                ControlFlow::Break(outcome) => Ok(outcome),
                ControlFlow::Continue(()) => self.transaction(work).await,
            }
        });
        within(DEADLINE, both).await
    }

    /// Does the work of a call in a transaction, which the work has to [end](Lease::end).
    pub(super) async fn transaction<T, F>(
        &self,
        work: impl Fn(Lease<PgConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        self.transaction_begun_by("BEGIN", work).await
    }

    /// The same, in a transaction that these statements begin.
    pub(super) async fn transaction_begun_by<T, F>(
        &self,
        begin: &'static str,
        work: impl Fn(Lease<PgConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let work = &work;
        let attempt = || async move {
            let mut lease = self.lease().await?;
            sqlx::raw_sql(begin).execute(&mut *lease).await?;
            work(lease).await
        };
        self.retry(attempt).await
    }

    /// Attempts again where that is safe, but not for longer than a caller can wait.
    async fn retry<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        // After the server was restarted, every connection that was idle may be dead.
        let mut attempts_left = self.pool.max_connections().saturating_add(SPARE_ATTEMPTS);
        let attempts = pin!(async {
            loop {
                match attempt().await {
                    Err(error) if error.is_retryable() && attempts_left > 0 => attempts_left -= 1,
                    outcome => return outcome.map_err(PortError::from),
                }
            }
        });
        within(DEADLINE, attempts).await
    }

    async fn lease(&self) -> Result<Lease<PgConnection>, DbError> {
        self.pool.lease().await.map_err(|error| DbError::from(error).not_retryable())
    }
}

impl Lease<PgConnection> {
    /// Gives the connection back after its last statement was answered, with no transaction open.
    pub(super) fn answered<T, E>(self, answer: Result<T, E>) -> Result<T, DbError>
    where
        DbError: From<E>,
    {
        let answer = answer.map_err(DbError::from);
        if answer.as_ref().err().is_none_or(DbError::connection_is_usable) {
            self.give_back();
        }
        answer
    }

    /// Ends the transaction as its work came out, and gives the connection back.
    pub(super) async fn end<T>(mut self, work: Result<TxOutcome<T>, DbError>) -> Result<T, DbError> {
        match work {
            Ok(TxOutcome::Commit(outcome)) => self.commit(Vec::new()).await.map(|()| outcome),
            Ok(TxOutcome::CommitRevoking(outcome)) => match revocations::revoked_here(&mut self).await {
                Ok(revoked) => self.commit(revoked).await.map(|()| outcome),
                Err(error) => self.fail(error).await,
            },
            Ok(TxOutcome::Rollback(outcome)) => {
                self.roll_back().await;
                Ok(outcome)
            }
            Err(error) => self.fail(error).await,
        }
    }

    /// Commits a transaction by which these sessions have ended.
    async fn commit(mut self, ended: Vec<Uuid>) -> Result<(), DbError> {
        // From here on the work may have happened, whatever the answer is.
        let answer = sqlx::raw_sql("COMMIT").execute(&mut *self).await;
        answer.map_err(DbError::of_commit)?;
        self.revoked().insert(ended);
        self.give_back();
        Ok(())
    }

    async fn fail<T>(self, error: DbError) -> Result<T, DbError> {
        if error.connection_is_usable() {
            self.roll_back().await;
        }
        Err(error)
    }

    async fn roll_back(mut self) {
        if sqlx::raw_sql("ROLLBACK").execute(&mut *self).await.is_ok() {
            self.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::postgres::PostgresSettings;
    use crate::store::ErrorMessage;

    /// Fails by `error` as often as told, then succeeds; how often it was attempted.
    async fn attempts(error: fn(ErrorMessage) -> DbError, failures: u32) -> (Result<(), PortError>, u32) {
        let settings = PostgresSettings {
            max_connections: 4,
            ..PostgresSettings::new("postgres://nobody@nowhere/none")
        };
        let store = PostgresStore::connect(&settings).expect("a store");
        let attempts = Cell::new(0);
        let outcome = store.retry(|| async {
            attempts.set(attempts.get() + 1);
            if attempts.get() > failures { Ok(()) } else { Err(error(ErrorMessage::new("for the test"))) }
        });
        (outcome.await, attempts.get())
    }

    #[tokio::test]
    async fn what_passes_is_attempted_again_as_often_as_connections_may_be_dead() {
        for error in [DbError::Broken, DbError::Contended] {
            assert!(matches!(attempts(error, 7).await, (Ok(()), 8)));
            assert!(matches!(attempts(error, 8).await, (Err(PortError::Unavailable(_)), 8)));
        }
    }

    #[tokio::test]
    async fn what_does_not_pass_is_not_attempted_again() {
        assert!(matches!(attempts(DbError::Unavailable, 1).await, (Err(PortError::Unavailable(_)), 1)));
        assert!(matches!(attempts(DbError::Corrupt, 1).await, (Err(PortError::Corrupt(_)), 1)));
        // As after a commit that was not synced.
        let not_retryable = |detail| DbError::Broken(detail).not_retryable();
        assert!(matches!(attempts(not_retryable, 1).await, (Err(PortError::Unavailable(_)), 1)));
    }
}
