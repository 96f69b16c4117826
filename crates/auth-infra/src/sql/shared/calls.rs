//! Calls: on one connection, in one transaction, and retried where that is safe.

use std::future::Future;
use std::pin::pin;

use auth_domain::ports::PortError;

use super::prelude::{BEGIN, Connection, Database, DbError};
use crate::sql::{DEADLINE, TxOutcome, Work, within};

impl Database {
    /// Runs work that changes nothing.
    pub(crate) async fn read<A, T>(
        &self,
        args: A,
        work: Work<Connection, A, T, DbError>,
    ) -> Result<T, PortError> {
        let args = &args;
        self.retry(|| async move {
            let mut lease = self.lease_reader().await?;
            let outcome = work(&mut lease, args).await;
            if outcome.as_ref().err().is_none_or(DbError::connection_is_usable) {
                lease.give_back();
            }
            outcome
        })
        .await
    }

    /// Runs work in a transaction of its own.
    pub(crate) async fn write<A, T>(
        &self,
        args: A,
        work: Work<Connection, A, TxOutcome<T>, DbError>,
    ) -> Result<T, PortError> {
        self.write_after(BEGIN, args, work).await
    }

    /// Runs work in a transaction that the statements of `begin` start.
    pub(crate) async fn write_after<A, T>(
        &self,
        begin: &'static str,
        args: A,
        work: Work<Connection, A, TxOutcome<T>, DbError>,
    ) -> Result<T, PortError> {
        let args = &args;
        self.retry(|| async move {
            let mut lease = self.lease_writer().await?;
            let outcome = match sqlx::raw_sql(begin).execute(&mut *lease).await {
                Ok(_) => work(&mut lease, args).await,
                Err(error) => Err(DbError::from(error)),
            };
            Self::finish(lease, outcome).await
        })
        .await
    }

    /// Repeats an attempt after a retryable error, within the deadline of a call.
    pub(crate) async fn retry<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let mut retries_left = self.max_retries();
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
}
