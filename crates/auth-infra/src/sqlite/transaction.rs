//! The work of a call: on one connection, in one transaction.

use std::future::Future;
use std::pin::pin;

use auth_domain::ports::PortError;
use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::revocations;
use crate::store::{DEADLINE, Lease, TxOutcome, within};

impl SqliteStore {
    /// Does the work of a call that takes one statement and changes nothing.
    pub(super) async fn read<T, F>(
        &self,
        work: impl FnOnce(Lease<SqliteConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let attempt = pin!(async {
            let lease = self.readers.lease().await.map_err(DbError::from)?;
            work(lease).await.map_err(PortError::from)
        });
        within(DEADLINE, attempt).await
    }

    /// Does the work of a call in a transaction, which the work has to [end](Lease::end). It has the database to itself
    /// from the start: a transaction that begins by reading cannot always go on to write.
    pub(super) async fn transaction<T, F>(
        &self,
        work: impl FnOnce(Lease<SqliteConnection>) -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let attempt = pin!(async {
            let mut lease = self.writer.lease().await.map_err(DbError::from)?;
            let outcome = match sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *lease).await {
                Ok(_) => work(lease).await,
                Err(error) => lease.end(Err(DbError::from(error))).await,
            };
            outcome.map_err(PortError::from)
        });
        within(DEADLINE, attempt).await
    }
}

impl SqliteStore {
    /// Does the work of a call that comes often, in a transaction that it may share with others.
    pub(super) async fn shared_transaction<T, W>(&self, work: W) -> Result<T, PortError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<TxOutcome<T>, DbError>>
            + Send
            + 'static,
    {
        let answer = pin!(async { self.group.transaction(work).await.map_err(PortError::from) });
        within(DEADLINE, answer).await
    }
}

impl Lease<SqliteConnection> {
    /// Gives the connection back after its one statement was answered.
    pub(super) fn answered<T>(self, answer: Result<T, sqlx::Error>) -> Result<T, DbError> {
        if answer.is_ok() {
            self.give_back();
        }
        Ok(answer?)
    }

    /// Ends the transaction as its work came out, and gives the connection back.
    pub(super) async fn end<T>(mut self, work: Result<TxOutcome<T>, DbError>) -> Result<T, DbError> {
        match work {
            Ok(TxOutcome::Commit(outcome)) => {
                sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
                self.give_back();
                Ok(outcome)
            }
            Ok(TxOutcome::CommitRevoking(outcome)) => {
                sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
                revocations::catch_up(&mut self).await;
                self.give_back();
                Ok(outcome)
            }
            Ok(TxOutcome::Rollback(outcome)) => {
                self.roll_back().await;
                Ok(outcome)
            }
            Err(error) => {
                self.roll_back().await;
                Err(error)
            }
        }
    }

    /// Some errors undo the transaction by themselves. There is nothing to roll back then, and the connection is closed
    /// to be on the safe side.
    async fn roll_back(mut self) {
        if sqlx::raw_sql("ROLLBACK").execute(&mut *self).await.is_ok() {
            self.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;
    use crate::sqlite::SqliteSettings;

    async fn write(store: &SqliteStore, bytes: i64) -> Result<(), PortError> {
        store
            .transaction(|mut lease| async move {
                let query = sqlx::query("INSERT INTO filler (bytes) VALUES (zeroblob(?1))").bind(bytes);
                let work = query.execute(&mut *lease).await.map_err(DbError::from);
                lease.end(work.map(|_| TxOutcome::Commit(()))).await
            })
            .await
    }

    async fn rows(store: &SqliteStore) -> i64 {
        let count = store.read(|mut lease| async move {
            let row = sqlx::query("SELECT count(*) FROM filler").fetch_one(&mut *lease).await;
            Ok(lease.answered(row)?.get::<i64, _>(0))
        });
        count.await.expect("a count")
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_no_transaction_stays_behind() {
        let home = tempfile::TempDir::new().expect("a directory");
        let store = SqliteStore::connect(&SqliteSettings::new(home.path().join("auth.db"))).expect("a store");
        store.migrate().await.expect("migrated");
        let mut lease = store.writer.lease().await.expect("the writer");
        // SQLite undoes a transaction by itself when the disk is full: to it, this limit is a full disk.
        let prepare = "CREATE TABLE filler (bytes); PRAGMA max_page_count = 100";
        sqlx::raw_sql(prepare).execute(&mut *lease).await.expect("a limit");
        lease.give_back();

        write(&store, 10).await.expect("room for this");
        let full = write(&store, 1_000_000).await;
        assert!(matches!(full, Err(PortError::Unavailable(_))), "{full:?}");
        write(&store, 10).await.expect("room for this");
        assert_eq!(rows(&store).await, 2);
    }
}
