//! Connections on loan, and the transactions on them.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use auth_domain::ports::PortError;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use super::SqliteStore;
use super::error::Fault;
use crate::store::{DEADLINE, Ending, within};

/// A connection on loan. Unless it is given back in good order it is closed, which undoes what it had begun: the next
/// to use it must not find itself in a transaction that nobody will end.
pub(super) struct Lease {
    connection: PoolConnection<Sqlite>,
    in_order: bool,
}

impl SqliteStore {
    /// Does the work of a call that takes one statement and changes nothing.
    pub(super) async fn read<T, F>(&self, work: impl FnOnce(Lease) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let attempt = async {
            let lease = Lease { connection: self.readers.acquire().await?, in_order: false };
            work(lease).await
        };
        within(DEADLINE, async { attempt.await.map_err(PortError::from) }).await
    }

    /// Does the work of a call in a transaction, which the work has to [end](Lease::end). It has the database to itself
    /// from the start: a transaction that begins by reading cannot always go on to write.
    pub(super) async fn transaction<T, F>(&self, work: impl FnOnce(Lease) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let attempt = async {
            let mut lease = Lease { connection: self.writer.acquire().await?, in_order: false };
            let begun = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *lease).await;
            if let Err(error) = begun {
                // Most likely another process is writing: nothing is wrong with this connection.
                lease.roll_back().await;
                return Err(Fault::from(error));
            }
            work(lease).await
        };
        within(DEADLINE, async { attempt.await.map_err(PortError::from) }).await
    }
}

impl Lease {
    /// Gives the connection back after its one statement was answered.
    pub(super) fn give_back<T>(mut self, answer: Result<T, sqlx::Error>) -> Result<T, Fault> {
        self.in_order = answer.is_ok();
        Ok(answer?)
    }

    /// Ends the transaction as its work came out, and gives the connection back.
    pub(super) async fn end<T>(mut self, work: Result<Ending<T>, Fault>) -> Result<T, Fault> {
        match work {
            Ok(Ending::Commit(outcome)) => {
                sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
                self.in_order = true;
                Ok(outcome)
            }
            Ok(Ending::RollBack(outcome)) => {
                self.roll_back().await;
                Ok(outcome)
            }
            Err(fault) => {
                self.roll_back().await;
                Err(fault)
            }
        }
    }

    /// Some errors undo the transaction by themselves; there is nothing to roll back then, and the connection is closed
    /// to be on the safe side.
    async fn roll_back(&mut self) {
        self.in_order = sqlx::raw_sql("ROLLBACK").execute(&mut **self).await.is_ok();
    }
}

impl Deref for Lease {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
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
