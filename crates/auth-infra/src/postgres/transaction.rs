//! Connections on loan, the transactions on them, and second attempts.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use auth_domain::ports::PortError;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use super::PostgresStore;
use super::error::Fault;
use crate::store::{DEADLINE, Ending, within};

/// How often more than there are connections a call is attempted: for deadlocks and the like.
const SPARE_ATTEMPTS: u32 = 3;

/// A connection on loan. Unless it is given back in good order it is closed: the server may still be at work on it, in
/// a transaction that nobody will end, or silent for ever. sqlx alone would wait for its answer without limit, and
/// lend one connection less for as long.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    in_order: bool,
}

impl PostgresStore {
    /// Does the work of a call that takes one statement and changes nothing.
    pub(super) async fn read<T, F>(&self, work: impl Fn(Lease) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let work = &work;
        self.persist(|| async move { work(self.lease().await?).await }).await
    }

    /// Does the work of a call in a transaction, which the work has to [end](Lease::end).
    pub(super) async fn transaction<T, F>(&self, work: impl Fn(Lease) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let work = &work;
        let attempt = || async move {
            let mut lease = self.lease().await?;
            sqlx::raw_sql("BEGIN").execute(&mut *lease).await?;
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
        let mut attempts_left = self.max_connections.saturating_add(SPARE_ATTEMPTS);
        let attempts = async {
            loop {
                match attempt().await {
                    Err(fault) if fault.passes() && attempts_left > 0 => attempts_left -= 1,
                    outcome => return outcome.map_err(PortError::from),
                }
            }
        };
        within(DEADLINE, attempts).await
    }

    async fn lease(&self) -> Result<Lease, Fault> {
        let connection = self.pool.acquire().await.map_err(|error| Fault::from(error).for_good())?;
        Ok(Lease { connection, in_order: false })
    }
}

impl Lease {
    /// Gives the connection back after its one statement was answered.
    pub(super) fn give_back<T>(mut self, answer: Result<T, sqlx::Error>) -> Result<T, Fault> {
        let answer = answer.map_err(Fault::from);
        self.in_order = answer.as_ref().err().is_none_or(Fault::spares_the_connection);
        answer
    }

    /// Ends the transaction as its work came out, and gives the connection back.
    pub(super) async fn end<T>(mut self, work: Result<Ending<T>, Fault>) -> Result<T, Fault> {
        match work {
            Ok(Ending::Commit(outcome)) => {
                // From here on the work may have happened, whatever the answer is.
                let answer = sqlx::raw_sql("COMMIT").execute(&mut *self).await;
                answer.map_err(|error| Fault::from(error).for_good())?;
                self.in_order = true;
                Ok(outcome)
            }
            Ok(Ending::RollBack(outcome)) => {
                self.roll_back().await;
                Ok(outcome)
            }
            Err(fault) => {
                if fault.spares_the_connection() {
                    self.roll_back().await;
                }
                Err(fault)
            }
        }
    }

    async fn roll_back(&mut self) {
        self.in_order = sqlx::raw_sql("ROLLBACK").execute(&mut **self).await.is_ok();
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.in_order {
            self.connection.close_on_drop();
        }
    }
}
