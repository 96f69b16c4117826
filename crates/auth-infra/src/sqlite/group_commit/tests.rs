//! Transactions on SQLite, grouped ones and those of one call.

use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::sqlite::{SqliteSettings, SqliteStore};

type Answer = oneshot::Receiver<Result<(), DbError>>;

async fn store(home: &TempDir) -> SqliteStore {
    let store = SqliteStore::connect(&SqliteSettings::new(home.path().join("auth.db"))).expect("a store");
    store.migrate().await.expect("migrated");
    let tables = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text);
                  CREATE TABLE replies (id REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)";
    let mut lease = store.db.writers.lease().await.expect("a lease");
    sqlx::raw_sql(tables).execute(&mut *lease).await.expect("made");
    lease.give_back();
    store
}

async fn notes(store: &SqliteStore) -> i64 {
    let count = store.db.read((), |connection, ()| {
        Box::pin(
            async move { Ok(sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(connection).await?) },
        )
    });
    count.await.expect("a count")
}

/// A call that executes these statements, and then commits or rolls back.
fn call(statements: &'static str, commits: bool) -> (Box<dyn QueuedWrite>, Answer) {
    pending((statements, commits), |connection, &(statements, commits)| {
        Box::pin(async move {
            sqlx::raw_sql(statements).execute(connection).await?;
            Ok(if commits { TxOutcome::Commit(()) } else { TxOutcome::Rollback(()) })
        })
    })
}

async fn write_group(
    store: &SqliteStore,
    calls: Vec<(Box<dyn QueuedWrite>, Answer)>,
) -> Vec<Result<(), DbError>> {
    let (calls, answers): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    write(&store.db.writers, calls).await;
    let answers = answers.into_iter().map(|answer| async { answer.await.expect("an answer") });
    futures_util::future::join_all(answers).await
}

#[tokio::test]
async fn failed_call_undoes_only_its_own_work() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let last = pending(store.clone(), |_, elsewhere| {
        Box::pin(async move {
            assert_eq!(notes(elsewhere).await, 0, "nothing is committed before the last call is done");
            Ok(TxOutcome::Rollback(()))
        })
    });
    let calls = vec![
        call("INSERT INTO notes (id) VALUES (1)", true),
        call("INSERT INTO notes (id) VALUES (2); INSERT INTO notes (id) VALUES (1)", true),
        call("INSERT INTO notes (id) VALUES (3)", false),
        call("INSERT INTO notes (id) VALUES (2)", true),
        last,
    ];
    let answers = write_group(&store, calls).await;
    assert!(matches!(answers[..], [Ok(()), Err(DbError::Corrupt(_)), Ok(()), Ok(()), Ok(())]), "{answers:?}");
    assert_eq!(notes(&store).await, 2);
}

#[tokio::test]
async fn failed_commit_fails_every_call_of_the_group() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let calls = vec![
        call("INSERT INTO notes (id) VALUES (1)", true),
        call("INSERT INTO replies VALUES (9)", true),
        call("SELECT 1", false),
    ];
    let answers = write_group(&store, calls).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(DbError::Unavailable(_)))), "{answers:?}");
    assert_eq!(notes(&store).await, 0);
    let answers = write_group(&store, vec![call("INSERT INTO notes (id) VALUES (1)", true)]).await;
    assert!(matches!(answers[..], [Ok(())]), "{answers:?}");
}

#[tokio::test]
async fn call_without_a_caller_writes_nothing() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let (gone, _) = call("INSERT INTO notes (id) VALUES (1)", true);
    write(&store.db.writers, vec![gone]).await;
    assert_eq!(notes(&store).await, 0);
}

#[tokio::test]
async fn caller_that_goes_while_others_are_served_is_left_out() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let (hasty, given_up) = call("INSERT INTO notes (id) VALUES (2)", true);
    let (slow, answer) = pending(Mutex::new(Some(given_up)), |connection, given_up| {
        drop(given_up.lock().expect("the receiver").take());
        Box::pin(async move {
            sqlx::raw_sql("INSERT INTO notes (id) VALUES (1)").execute(connection).await?;
            Ok(TxOutcome::Commit(()))
        })
    });
    write(&store.db.writers, vec![slow, hasty]).await;
    answer.await.expect("an answer").expect("written");
    assert_eq!(notes(&store).await, 1);
}

#[tokio::test]
async fn panic_does_not_end_the_writer_thread() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let panicked =
        store.db.write_grouped::<_, ()>((), |_, ()| Box::pin(async { panic!("for the test") })).await;
    assert!(matches!(panicked, Err(PortError::Unavailable(_))), "{panicked:?}");
    let written = store.db.write_grouped((), |connection, ()| {
        Box::pin(async move {
            sqlx::query("INSERT INTO notes (id) VALUES (1)").execute(connection).await?;
            Ok(TxOutcome::Commit(()))
        })
    });
    written.await.expect("written");
    assert_eq!(notes(&store).await, 1);
}

#[tokio::test]
async fn full_disk_is_unavailable_and_leaves_no_transaction() {
    let home = TempDir::new().expect("a directory");
    let store = store(&home).await;
    let mut lease = store.db.writers.lease().await.expect("a lease");
    // On a full disk SQLite undoes the transaction by itself. This limit has the same effect.
    sqlx::raw_sql("PRAGMA max_page_count = 100").execute(&mut *lease).await.expect("a limit");
    lease.give_back();
    let write = async |bytes: i64| {
        let written = store.db.write(bytes, |connection, bytes| {
            Box::pin(async move {
                let query = sqlx::query("INSERT INTO notes (text) VALUES (zeroblob($1))").bind(*bytes);
                query.execute(connection).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        written.await
    };
    write(10).await.expect("room for this");
    let full = write(1_000_000).await;
    assert!(matches!(full, Err(PortError::Unavailable(_))), "{full:?}");
    write(10).await.expect("room for this");
    assert_eq!(notes(&store).await, 2);
}
