//! The work of a call: on one connection, in one transaction.

use std::future::Future;
use std::pin::pin;

use auth_domain::model::{User, UserId, UserRef};
use auth_domain::ports::{PortError, UserRepository as _};
use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::revocations;
use crate::sql::{DEADLINE, Lease, TxOutcome, within};

/// The work of a call, given a connection and its arguments. The future is boxed, because the compiler cannot prove that the
/// future of an async closure with borrowed arguments is `Send`.
pub(super) type Work<A, T> = for<'c> fn(&'c mut SqliteConnection, &'c A) -> BoxFuture<'c, Result<T, DbError>>;

impl SqliteStore {
    /// Runs work that changes nothing.
    pub(super) async fn read<A, T>(&self, args: A, work: Work<A, T>) -> Result<T, PortError> {
        in_time(async {
            let mut lease = self.readers.lease().await?;
            let outcome = work(&mut lease, &args).await?;
            lease.give_back();
            Ok(outcome)
        })
        .await
    }

    /// Runs work in a transaction of its own. It has the database to itself from the start: a transaction that begins by
    /// reading cannot always go on to write.
    pub(super) async fn write<A, T>(&self, args: A, work: Work<A, TxOutcome<T>>) -> Result<T, PortError> {
        in_time(async {
            let mut lease = self.writer.lease().await?;
            let outcome = match sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *lease).await {
                Ok(_) => work(&mut lease, &args).await,
                Err(error) => Err(DbError::from(error)),
            };
            finish(lease, outcome).await
        })
        .await
    }

    /// Runs frequent work in a transaction that it may share with other calls.
    pub(super) async fn write_grouped<A, T>(
        &self,
        args: A,
        work: Work<A, TxOutcome<T>>,
    ) -> Result<T, PortError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        in_time(self.group.write(args, work)).await
    }

    /// Changes a user. The work gets the user's id and the arguments.
    pub(super) async fn write_user<A, T>(
        &self,
        user: UserId,
        args: A,
        work: Work<(UserId, A), TxOutcome<T>>,
    ) -> Result<T, PortError> {
        self.write((user, args), work).await
    }

    /// Finds a user. There is no cache: a read costs a small part of an answer here.
    pub(super) async fn find_cached(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.find(&UserRef::Id(user)).await
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, DbError>>) -> Result<T, PortError> {
    within(DEADLINE, pin!(async { work.await.map_err(PortError::from) })).await
}

/// Ends the transaction according to the outcome of its work, and gives the connection back.
async fn finish<T>(
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
        revocations::catch_up(&mut lease).await;
    }
    lease.give_back();
    Ok(value)
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
    use crate::sqlite::SqliteSettings;

    async fn write(store: &SqliteStore, bytes: i64) -> Result<(), PortError> {
        store
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
        let count = store.read((), |connection, ()| {
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
        let mut lease = store.writer.lease().await.expect("the writer");
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
