//! Calls that share a transaction, and with it the wait for the disk.
//!
//! A thread of its own writes: whatever waits when it comes to its turn is done in one transaction. Each call has a
//! savepoint, so one that fails undoes its own work and nobody else's; and each is answered when all of it is on disk.
//! Executors that are busy with requests cannot keep the only connection that writes from the others.

use std::panic::AssertUnwindSafe;
use std::thread;

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::error::DbError;
use super::revocations;
use crate::store::{ErrorMessage, Pool, StoreError, TxOutcome};

/// The most calls in one transaction: so many take some milliseconds.
const MAX_BATCH: usize = 64;

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT call";
const KEEP: &str = "RELEASE call; SAVEPOINT call";
const UNDO: &str = "ROLLBACK TO call";

/// Where calls wait for the thread that writes. It ends when the last of the clones is gone.
#[derive(Clone)]
pub(super) struct GroupCommit(mpsc::UnboundedSender<Box<dyn QueuedWrite>>);

impl GroupCommit {
    /// Starts a thread that writes on the connection of this pool.
    pub(super) fn start(writer: Pool<SqliteConnection>) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| {
            let detail = ErrorMessage::new(format!("no thread to write with: {error}"));
            StoreError::Port(PortError::Unavailable(Box::new(detail)))
        };
        let runtime = runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let (sender, queue) = mpsc::unbounded_channel();
        let write = move || runtime.block_on(write_always(writer, queue));
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(write).map_err(failed)?;
        Ok(Self(sender))
    }

    /// Has the work of a call done in a transaction that it may share with others.
    pub(super) async fn transaction<T, W>(&self, work: W) -> Result<T, DbError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<TxOutcome<T>, DbError>>
            + Send
            + 'static,
    {
        let (call, answer) = pending(work);
        let gone = || DbError::Unavailable(ErrorMessage::new("nobody writes any more"));
        self.0.send(call).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// A call that waits for its answer.
trait QueuedWrite: Send {
    fn is_awaited(&self) -> bool;

    /// Does the work.
    fn work<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Effect>;

    /// Answers with what came of the work, now that the transaction has ended so.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

/// What is to stay of what a call has written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    None,
    Changed,
    /// And sessions may have ended by it.
    Revoked,
}

struct PendingWrite<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, DbError>>,
    answer: oneshot::Sender<Result<T, DbError>>,
}

fn pending<T, W>(work: W) -> (Box<dyn QueuedWrite>, oneshot::Receiver<Result<T, DbError>>)
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<TxOutcome<T>, DbError>>
        + Send
        + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(PendingWrite { work: Some(work), outcome: None, answer }), answered)
}

impl<T, W> QueuedWrite for PendingWrite<T, W>
where
    T: Send,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<TxOutcome<T>, DbError>> + Send,
{
    fn is_awaited(&self) -> bool {
        !self.answer.is_closed()
    }

    fn work<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Effect> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Effect::None };
            let (written, outcome) = match work(connection).await {
                Ok(TxOutcome::Commit(outcome)) => (Effect::Changed, Ok(outcome)),
                Ok(TxOutcome::CommitRevoking(outcome)) => (Effect::Revoked, Ok(outcome)),
                Ok(TxOutcome::Rollback(outcome)) => (Effect::None, Ok(outcome)),
                Err(error) => (Effect::None, Err(error)),
            };
            self.outcome = Some(outcome);
            written
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        // Even a call that wrote nothing may have seen what those before it wrote.
        let outcome = match (self.outcome, committed) {
            (Some(Ok(outcome)), Ok(())) => Ok(outcome),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => return,
        };
        let _ = self.answer.send(outcome);
    }
}

async fn write_always(
    writer: Pool<SqliteConnection>,
    mut queue: mpsc::UnboundedReceiver<Box<dyn QueuedWrite>>,
) {
    let mut calls = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut calls, MAX_BATCH).await > 0 {
        // Those who wait are told by the loss of their calls, and so is the log, by the panic; others are served on.
        let _ = AssertUnwindSafe(write(&writer, std::mem::take(&mut calls))).catch_unwind().await;
    }
}

/// Does the work of all that are still awaited, and answers them.
async fn write(writer: &Pool<SqliteConnection>, mut calls: Vec<Box<dyn QueuedWrite>>) {
    calls.retain(|call| call.is_awaited());
    if calls.is_empty() {
        return;
    }
    let committed = transact(writer, &mut calls).await;
    for call in calls {
        call.answer(committed.clone());
    }
}

/// A transaction that fails as a whole is undone by giving up its connection.
async fn transact(
    writer: &Pool<SqliteConnection>,
    calls: &mut [Box<dyn QueuedWrite>],
) -> Result<(), DbError> {
    let mut lease = writer.lease().await?;
    execute(&mut lease, BEGIN).await?;
    let mut written = Effect::None;
    let mut left = calls.len();
    for call in calls {
        left -= 1;
        // Whoever was told meanwhile that nothing came of it must be right.
        if !call.is_awaited() {
            continue;
        }
        match call.work(&mut lease).await {
            // Some errors undo the whole transaction by themselves: then there is no savepoint any more.
            Effect::None => execute(&mut lease, UNDO).await.map_err(DbError::of_group)?,
            done => {
                written = written.max(done);
                if left > 0 {
                    execute(&mut lease, KEEP).await.map_err(DbError::of_group)?;
                }
            }
        }
    }
    let end = if written == Effect::None { "ROLLBACK" } else { "COMMIT" };
    execute(&mut lease, end).await.map_err(DbError::of_group)?;
    if written == Effect::Revoked {
        revocations::catch_up(&mut lease).await;
    }
    lease.give_back();
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;
    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::{SqliteSettings, SqliteStore};

    type Reply = oneshot::Receiver<Result<(), DbError>>;

    async fn store(home: &TempDir) -> SqliteStore {
        let store = SqliteStore::connect(&SqliteSettings::new(home.path().join("auth.db"))).expect("a store");
        store.migrate().await.expect("migrated");
        let tables = "CREATE TABLE notes (id INTEGER PRIMARY KEY);
                      CREATE TABLE replies (id REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)";
        let mut lease = store.writer.lease().await.expect("the writer");
        sqlx::raw_sql(tables).execute(&mut *lease).await.expect("made");
        lease.give_back();
        store
    }

    async fn notes(store: &SqliteStore) -> i64 {
        let count = store.read(|mut lease| async move {
            let row = sqlx::query("SELECT count(*) FROM notes").fetch_one(&mut *lease).await;
            Ok(lease.answered(row)?.get::<i64, _>(0))
        });
        count.await.expect("a count")
    }

    /// A call that executes these statements and ends so.
    fn call(statements: &'static str, ending: TxOutcome<()>) -> (Box<dyn QueuedWrite>, Reply) {
        pending(move |connection| {
            Box::pin(async move {
                sqlx::raw_sql(statements).execute(connection).await?;
                Ok(ending)
            })
        })
    }

    async fn write_together(
        store: &SqliteStore,
        calls: Vec<(Box<dyn QueuedWrite>, Reply)>,
    ) -> Vec<Result<(), DbError>> {
        let (calls, answers): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        write(&store.writer, calls).await;
        let answers = answers.into_iter().map(|answer| async { answer.await.expect("an answer") });
        futures_util::future::join_all(answers).await
    }

    #[tokio::test]
    async fn calls_share_a_transaction_and_one_that_fails_undoes_only_its_own() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let elsewhere = store.clone();
        let last = pending(move |_| {
            Box::pin(async move {
                assert_eq!(notes(&elsewhere).await, 0, "nothing is committed before all is done");
                Ok(TxOutcome::Rollback(()))
            })
        });
        let calls = vec![
            call("INSERT INTO notes VALUES (1)", TxOutcome::Commit(())),
            call("INSERT INTO notes VALUES (2); INSERT INTO notes VALUES (1)", TxOutcome::Commit(())),
            call("INSERT INTO notes VALUES (3)", TxOutcome::Rollback(())),
            call("INSERT INTO notes VALUES (2)", TxOutcome::Commit(())),
            last,
        ];
        let answers = write_together(&store, calls).await;
        assert!(
            matches!(answers[..], [Ok(()), Err(DbError::Corrupt(_)), Ok(()), Ok(()), Ok(())]),
            "{answers:?}"
        );
        assert_eq!(notes(&store).await, 2);
    }

    #[tokio::test]
    async fn when_the_commit_fails_nobody_has_written() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let calls = vec![
            call("INSERT INTO notes VALUES (1)", TxOutcome::Commit(())),
            call("INSERT INTO replies VALUES (9)", TxOutcome::Commit(())),
            call("SELECT 1", TxOutcome::Rollback(())),
        ];
        let answers = write_together(&store, calls).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(DbError::Unavailable(_)))), "{answers:?}");
        assert_eq!(notes(&store).await, 0);
        let answers =
            write_together(&store, vec![call("INSERT INTO notes VALUES (1)", TxOutcome::Commit(()))]).await;
        assert!(matches!(answers[..], [Ok(())]), "{answers:?}");
    }

    #[tokio::test]
    async fn for_whom_nobody_waits_any_more_nothing_is_written() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let (gone, _) = call("INSERT INTO notes VALUES (1)", TxOutcome::Commit(()));
        write(&store.writer, vec![gone]).await;
        assert_eq!(notes(&store).await, 0);
    }

    #[tokio::test]
    async fn who_gives_up_while_others_are_served_is_left_out() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let (hasty, given_up) = call("INSERT INTO notes VALUES (2)", TxOutcome::Commit(()));
        let (slow, answer) = pending(move |connection| {
            drop(given_up);
            Box::pin(async move {
                sqlx::raw_sql("INSERT INTO notes VALUES (1)").execute(connection).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        write(&store.writer, vec![slow, hasty]).await;
        answer.await.expect("an answer").expect("written");
        assert_eq!(notes(&store).await, 1);
    }

    #[tokio::test]
    async fn a_panic_ends_nobody_elses_writing() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let panicked =
            store.shared_transaction::<(), _>(|_| Box::pin(async { panic!("for the test") })).await;
        assert!(matches!(panicked, Err(PortError::Unavailable(_))), "{panicked:?}");
        let written = store.shared_transaction(|connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO notes VALUES (1)").execute(connection).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        written.await.expect("written");
        assert_eq!(notes(&store).await, 1);
    }
}
