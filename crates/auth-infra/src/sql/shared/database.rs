//! The connections of a store, how it is checked and closed, and calls: on one connection, in one transaction, and retried
//! where that is safe.

use std::fmt;
use std::future::Future;
use std::pin::pin;

use auth_domain::ports::PortError;
use tokio::time::timeout;

use super::error::DbError;
use super::prelude::{BEGIN, Connection, Store, StoreThread, commit_revoking};
use crate::sql::{
    ACQUIRE_TIMEOUT, CLOSE_TIMEOUT, DEADLINE, Lease, Pool, RevokedSessions, TxOutcome, Work, within,
};

/// Cloning it is cheap: the clones share connections and thread.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) readers: Pool<Connection>,
    /// On PostgreSQL the same pool as `readers`, on SQLite a pool of one connection.
    pub(crate) writers: Pool<Connection>,
    pub(crate) max_retries: u32,
    /// Executes batches on PostgreSQL and grouped writes on SQLite.
    pub(crate) thread: StoreThread,
}

impl Database {
    pub(crate) fn revoked(&self) -> &RevokedSessions {
        self.writers.revoked()
    }

    /// Runs work that changes nothing.
    pub(crate) async fn read<A, T>(
        &self,
        args: A,
        work: Work<Connection, A, T, DbError>,
    ) -> Result<T, PortError> {
        let args = &args;
        self.retry(|| async move {
            let mut lease = lease(&self.readers).await?;
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
            let mut lease = lease(&self.writers).await?;
            let outcome = match sqlx::raw_sql(begin).execute(&mut *lease).await {
                Ok(_) => work(&mut lease, args).await,
                Err(error) => Err(DbError::from(error)),
            };
            finish(lease, outcome).await
        })
        .await
    }

    /// Repeats an attempt after a retryable error, within the deadline of a call.
    pub(crate) async fn retry<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let mut retries_left = self.max_retries;
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

impl Store {
    /// Checks within two seconds that the schema exists, that a connection is available, and that the store accepts writes.
    ///
    /// # Errors
    /// Fails if the store cannot serve.
    pub async fn check(&self) -> Result<(), PortError> {
        within(ACQUIRE_TIMEOUT, pin!(self.check_access())).await
    }

    /// Closes the idle connections. A program calls this when the runtimes that opened them have ended. Such a connection
    /// still sends a statement, but no longer receives the answer: the statement would be executed twice.
    pub fn discard_idle_connections(&self) {
        self.db.readers.discard_idle();
        self.db.writers.discard_idle();
    }

    /// Waits for the active calls and closes the connections. Later calls fail with [`PortError::Unavailable`].
    pub async fn close(&self) {
        let closed = async {
            self.db.readers.close().await;
            // The last connection that closes checkpoints SQLite's write-ahead log into the file. A reader could not.
            self.db.writers.close().await;
        };
        let _ = timeout(CLOSE_TIMEOUT, closed).await;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Leases a connection. The pool has already waited and retried, so its error is final.
async fn lease(pool: &Pool<Connection>) -> Result<Lease<Connection>, DbError> {
    pool.lease().await.map_err(|error| DbError::from(error).not_retryable())
}

/// Ends the transaction according to the outcome of its work, and gives the connection back.
async fn finish<T>(
    mut lease: Lease<Connection>,
    outcome: Result<TxOutcome<T>, DbError>,
) -> Result<T, DbError> {
    let value = match outcome {
        Ok(TxOutcome::Commit(value)) => {
            commit(&mut lease).await?;
            value
        }
        Ok(TxOutcome::CommitRevoking(value)) => {
            commit_revoking(&mut lease).await?;
            value
        }
        Ok(TxOutcome::Rollback(value)) => {
            roll_back(lease).await;
            return Ok(value);
        }
        Err(error) => {
            if error.connection_is_usable() {
                roll_back(lease).await;
            }
            return Err(error);
        }
    };
    lease.give_back();
    Ok(value)
}

/// From here on the transaction may be committed, whatever the answer is. So no error of the connection is retryable.
pub(crate) async fn commit(connection: &mut Connection) -> Result<(), DbError> {
    sqlx::raw_sql("COMMIT").execute(connection).await.map_err(DbError::of_commit)?;
    Ok(())
}

async fn roll_back(mut lease: Lease<Connection>) {
    if sqlx::raw_sql("ROLLBACK").execute(&mut *lease).await.is_ok() {
        lease.give_back();
    }
}
