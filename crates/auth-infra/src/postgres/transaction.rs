//! The work of a call: on one connection, in one transaction, and again where that is safe.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;

use auth_domain::ports::PortError;
use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::PostgresStore;
use super::error::Fault;
use super::watch;
use crate::store::{DEADLINE, Lease, TxOutcome, within};

/// How often more than there are connections a call is attempted: for deadlocks and the like.
const SPARE_ATTEMPTS: u32 = 3;

impl PostgresStore {
    /// Does the work of a call by statements that are transactions of their own.
    pub(super) async fn at_once<T, F>(&self, work: impl Fn(Lease<PgConnection>) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let work = &work;
        self.persist(|| async move { work(self.lease().await?).await }).await
    }

    /// The outcome of a call, from what was done [at once](Self::at_once) if that decided it; else the work is done in one
    /// transaction, as by [`transaction`](Self::transaction).
    pub(super) async fn at_once_or_in_a_transaction<T, F>(
        &self,
        at_once: impl Future<Output = Result<ControlFlow<T>, PortError>>,
        work: impl Fn(Lease<PgConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
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
        F: Future<Output = Result<T, Fault>>,
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
        F: Future<Output = Result<T, Fault>>,
    {
        let work = &work;
        let attempt = || async move {
            let mut lease = self.lease().await?;
            sqlx::raw_sql(begin).execute(&mut *lease).await?;
            work(lease).await
        };
        self.persist(attempt).await
    }

    /// Attempts again where that is safe, but not for longer than a caller can wait.
    async fn persist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        // After the server was restarted, every connection that was idle may be dead.
        let mut attempts_left = self.pool.max_connections().saturating_add(SPARE_ATTEMPTS);
        let attempts = pin!(async {
            loop {
                match attempt().await {
                    Err(fault) if fault.passes() && attempts_left > 0 => attempts_left -= 1,
                    outcome => return outcome.map_err(PortError::from),
                }
            }
        });
        within(DEADLINE, attempts).await
    }

    async fn lease(&self) -> Result<Lease<PgConnection>, Fault> {
        self.pool.lease().await.map_err(|error| Fault::from(error).for_good())
    }
}

impl Lease<PgConnection> {
    /// Gives the connection back after its last statement was answered, with no transaction open.
    pub(super) fn answered<T, E>(self, answer: Result<T, E>) -> Result<T, Fault>
    where
        Fault: From<E>,
    {
        let answer = answer.map_err(Fault::from);
        if answer.as_ref().err().is_none_or(Fault::spares_the_connection) {
            self.give_back();
        }
        answer
    }

    /// Ends the transaction as its work came out, and gives the connection back.
    pub(super) async fn end<T>(mut self, work: Result<TxOutcome<T>, Fault>) -> Result<T, Fault> {
        match work {
            Ok(TxOutcome::Commit(outcome)) => self.commit(Vec::new()).await.map(|()| outcome),
            Ok(TxOutcome::CommitRevoking(outcome)) => match watch::ended_here(&mut self).await {
                Ok(ended) => self.commit(ended).await.map(|()| outcome),
                Err(fault) => self.fail(fault).await,
            },
            Ok(TxOutcome::Rollback(outcome)) => {
                self.roll_back().await;
                Ok(outcome)
            }
            Err(fault) => self.fail(fault).await,
        }
    }

    /// Commits a transaction by which these sessions have ended.
    async fn commit(mut self, ended: Vec<Uuid>) -> Result<(), Fault> {
        // From here on the work may have happened, whatever the answer is.
        let answer = sqlx::raw_sql("COMMIT").execute(&mut *self).await;
        answer.map_err(Fault::of_a_commit)?;
        self.ended().add(ended);
        self.give_back();
        Ok(())
    }

    async fn fail<T>(self, fault: Fault) -> Result<T, Fault> {
        if fault.spares_the_connection() {
            self.roll_back().await;
        }
        Err(fault)
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
    use crate::store::Detail;

    /// Fails by `fault` as often as told, then succeeds; how often it was attempted.
    async fn attempts(fault: fn(Detail) -> Fault, failures: u32) -> (Result<(), PortError>, u32) {
        let settings = PostgresSettings {
            max_connections: 4,
            ..PostgresSettings::new("postgres://nobody@nowhere/none")
        };
        let store = PostgresStore::connect(&settings).expect("a store");
        let attempts = Cell::new(0);
        let outcome = store.persist(|| async {
            attempts.set(attempts.get() + 1);
            if attempts.get() > failures { Ok(()) } else { Err(fault(Detail::new("for the test"))) }
        });
        (outcome.await, attempts.get())
    }

    #[tokio::test]
    async fn what_passes_is_attempted_again_as_often_as_connections_may_be_dead() {
        for fault in [Fault::Broken, Fault::Contended] {
            assert!(matches!(attempts(fault, 7).await, (Ok(()), 8)));
            assert!(matches!(attempts(fault, 8).await, (Err(PortError::Unavailable(_)), 8)));
        }
    }

    #[tokio::test]
    async fn what_does_not_pass_is_not_attempted_again() {
        assert!(matches!(attempts(Fault::Unavailable, 1).await, (Err(PortError::Unavailable(_)), 1)));
        assert!(matches!(attempts(Fault::Corrupt, 1).await, (Err(PortError::Corrupt(_)), 1)));
        // As after a commit that was not confirmed.
        let for_good = |detail| Fault::Broken(detail).for_good();
        assert!(matches!(attempts(for_good, 1).await, (Err(PortError::Unavailable(_)), 1)));
    }
}
