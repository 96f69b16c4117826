//! The connections to a SQLite file, and how a transaction ends.

use std::pin::pin;

use auth_domain::ports::PortError;
use sqlx::SqliteConnection;

use super::error::DbError;
use super::group_commit::GroupCommit;
use super::revoked_rows::catch_up;
use crate::sql::{DEADLINE, Lease, Pool, RevokedSessions, TxOutcome, Work, within};

/// The connections. Cloning it is cheap: the clones share them.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) readers: Pool<SqliteConnection>,
    pub(super) writer: Pool<SqliteConnection>,
    /// Frequent writes, on the connection of `writer`.
    pub(super) group: GroupCommit,
}

impl Database {
    /// Runs frequent work in a transaction that it may share with other calls.
    pub(super) async fn write_grouped<A, T>(
        &self,
        args: A,
        work: Work<SqliteConnection, A, TxOutcome<T>, DbError>,
    ) -> Result<T, PortError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let answer = pin!(async { self.group.write(args, work).await.map_err(PortError::from) });
        within(DEADLINE, answer).await
    }

    pub(super) fn revoked(&self) -> &RevokedSessions {
        self.writer.revoked()
    }

    pub(super) async fn until_closed(&self, work: impl Future<Output = ()>) {
        self.writer.until_closed(work).await;
    }

    #[expect(clippy::unused_self, reason = "the number depends on the pool on the other engine")]
    pub(super) fn max_retries(&self) -> u32 {
        0
    }

    pub(super) async fn lease_reader(&self) -> Result<Lease<SqliteConnection>, DbError> {
        Ok(self.readers.lease().await?)
    }

    pub(super) async fn lease_writer(&self) -> Result<Lease<SqliteConnection>, DbError> {
        Ok(self.writer.lease().await?)
    }

    /// Ends the transaction according to the outcome of its work, and gives the connection back.
    pub(super) async fn finish<T>(
        mut lease: Lease<SqliteConnection>,
        outcome: Result<TxOutcome<T>, DbError>,
    ) -> Result<T, DbError> {
        let (value, revokes) = match outcome {
            Ok(TxOutcome::Commit(value)) => (value, false),
            Ok(TxOutcome::CommitRevoking(value)) => (value, true),
            Ok(TxOutcome::Rollback(value)) => {
                roll_back(lease).await;
                return Ok(value);
            }
            Err(error) => {
                roll_back(lease).await;
                return Err(error);
            }
        };
        sqlx::raw_sql("COMMIT").execute(&mut *lease).await?;
        if revokes {
            catch_up(&mut lease).await;
        }
        lease.give_back();
        Ok(value)
    }
}

/// Some errors undo the transaction by themselves. Then the rollback fails, and the connection is closed as a precaution.
async fn roll_back(mut lease: Lease<SqliteConnection>) {
    if sqlx::raw_sql("ROLLBACK").execute(&mut *lease).await.is_ok() {
        lease.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{SqliteSettings, SqliteStore};

    async fn write(store: &SqliteStore, bytes: i64) -> Result<(), PortError> {
        store
            .db
            .write(bytes, |connection, bytes| {
                Box::pin(async move {
                    let query = sqlx::query("INSERT INTO filler (bytes) VALUES (zeroblob($1))").bind(*bytes);
                    query.execute(connection).await?;
                    Ok(TxOutcome::Commit(()))
                })
            })
            .await
    }

    async fn rows(store: &SqliteStore) -> i64 {
        let count = store.db.read((), |connection, ()| {
            Box::pin(async move {
                Ok(sqlx::query_scalar("SELECT count(*) FROM filler").fetch_one(connection).await?)
            })
        });
        count.await.expect("a count")
    }

    #[tokio::test]
    async fn full_disk_is_unavailable_and_leaves_no_transaction() {
        let home = tempfile::TempDir::new().expect("a directory");
        let store = SqliteStore::connect(&SqliteSettings::new(home.path().join("auth.db"))).expect("a store");
        store.migrate().await.expect("migrated");
        let mut lease = store.db.writer.lease().await.expect("the writer");
        // On a full disk SQLite undoes the transaction by itself. This limit has the same effect.
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
