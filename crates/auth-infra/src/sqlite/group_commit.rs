//! Group commit: several calls share a transaction, and the wait for the disk (ADR 0013).
//!
//! A thread of the store writes. It runs all queued calls in one transaction, each within a savepoint: a call that fails undoes
//! its own work only. All are answered when the transaction is on disk. The thread also keeps busy request executors from
//! blocking the only connection that writes.

use std::panic::AssertUnwindSafe;
use std::thread;

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::error::DbError;
use super::revoked_rows::catch_up;
use crate::sql::{ErrorMessage, Pool, StoreError, TxOutcome, Work};

/// The most calls in one transaction. A full group takes a few milliseconds.
const MAX_GROUP: usize = 64;

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT call";
const KEEP: &str = "RELEASE call; SAVEPOINT call";
const UNDO: &str = "ROLLBACK TO call";

/// The queue of the writing thread. The thread ends when the last clone is gone.
#[derive(Clone)]
pub(super) struct GroupCommit(mpsc::UnboundedSender<Box<dyn QueuedWrite>>);

impl GroupCommit {
    /// Starts a thread that writes on the connection of this pool.
    pub(super) fn start(writer: Pool<SqliteConnection>) -> Result<Self, StoreError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| cannot_start(&error))?;
        let (sender, queue) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(write_always(writer, queue)))
            .map_err(|error| cannot_start(&error))?;
        Ok(Self(sender))
    }

    /// Runs work in a transaction that it may share with other calls.
    pub(super) async fn write<A, T>(
        &self,
        args: A,
        work: Work<SqliteConnection, A, TxOutcome<T>, DbError>,
    ) -> Result<T, DbError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (write, answer) = pending(args, work);
        self.0.send(write).map_err(|_| writer_ended())?;
        answer.await.unwrap_or_else(|_| Err(writer_ended()))
    }
}

fn cannot_start(error: &std::io::Error) -> StoreError {
    let message = ErrorMessage::new(format!("cannot start the SQLite writer thread: {error}"));
    StoreError::Port(PortError::Unavailable(Box::new(message)))
}

fn writer_ended() -> DbError {
    DbError::Unavailable(ErrorMessage::new("the writer thread ended"))
}

/// A call in the queue, whatever its types.
trait QueuedWrite: Send {
    /// Returns whether the caller still waits.
    fn is_awaited(&self) -> bool;

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Effect>;

    /// Sends the outcome to the caller, after the transaction has ended with this result.
    fn answer(self: Box<Self>, committed: Result<(), DbError>);
}

/// What a call has written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    None,
    Changed,
    /// Sessions ended, which has to be published.
    Revoked,
}

struct PendingWrite<A, T> {
    args: A,
    work: Work<SqliteConnection, A, TxOutcome<T>, DbError>,
    outcome: Option<Result<T, DbError>>,
    caller: oneshot::Sender<Result<T, DbError>>,
}

fn pending<A, T>(
    args: A,
    work: Work<SqliteConnection, A, TxOutcome<T>, DbError>,
) -> (Box<dyn QueuedWrite>, oneshot::Receiver<Result<T, DbError>>)
where
    A: Send + Sync + 'static,
    T: Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(PendingWrite { args, work, outcome: None, caller }), answer)
}

impl<A: Send + Sync, T: Send> QueuedWrite for PendingWrite<A, T> {
    fn is_awaited(&self) -> bool {
        !self.caller.is_closed()
    }

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Effect> {
        Box::pin(async move {
            let (effect, outcome) = match (self.work)(connection, &self.args).await {
                Ok(TxOutcome::Commit(value)) => (Effect::Changed, Ok(value)),
                Ok(TxOutcome::CommitRevoking(value)) => (Effect::Revoked, Ok(value)),
                Ok(TxOutcome::Rollback(value)) => (Effect::None, Ok(value)),
                Err(error) => (Effect::None, Err(error)),
            };
            self.outcome = Some(outcome);
            effect
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), DbError>) {
        // Even a call that wrote nothing may have read what earlier calls wrote, so a failed commit fails all.
        let outcome = match (self.outcome, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => return,
        };
        let _ = self.caller.send(outcome);
    }
}

async fn write_always(
    writer: Pool<SqliteConnection>,
    mut queue: mpsc::UnboundedReceiver<Box<dyn QueuedWrite>>,
) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while queue.recv_many(&mut group, MAX_GROUP).await > 0 {
        // A panic must not end the thread: later calls are served. The callers of the group get an error, because their
        // channels are dropped, and the panic is logged by its hook.
        let _ = AssertUnwindSafe(write(&writer, std::mem::take(&mut group))).catch_unwind().await;
    }
}

/// Runs the calls that are still awaited, and answers them.
async fn write(writer: &Pool<SqliteConnection>, mut group: Vec<Box<dyn QueuedWrite>>) {
    group.retain(|write| write.is_awaited());
    if group.is_empty() {
        return;
    }
    let committed = transact(writer, &mut group).await;
    for write in group {
        write.answer(committed.clone());
    }
}

/// Runs the calls in one transaction. If it fails as a whole, its connection is closed, which undoes it.
async fn transact(
    writer: &Pool<SqliteConnection>,
    group: &mut [Box<dyn QueuedWrite>],
) -> Result<(), DbError> {
    let mut lease = writer.lease().await?;
    execute(&mut lease, BEGIN).await?;
    let mut effect = Effect::None;
    let mut left = group.len();
    for write in group {
        left -= 1;
        // The caller may have got a timeout in the meantime: then nothing may happen.
        if !write.is_awaited() {
            continue;
        }
        match write.run(&mut lease).await {
            // Some errors undo the whole transaction by themselves. Then the savepoint is gone, and this fails.
            Effect::None => execute(&mut lease, UNDO).await.map_err(DbError::of_group)?,
            changed => {
                effect = effect.max(changed);
                if left > 0 {
                    execute(&mut lease, KEEP).await.map_err(DbError::of_group)?;
                }
            }
        }
    }
    let end = if effect == Effect::None { "ROLLBACK" } else { "COMMIT" };
    execute(&mut lease, end).await.map_err(DbError::of_group)?;
    if effect == Effect::Revoked {
        catch_up(&mut lease).await;
    }
    lease.give_back();
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::{SqliteSettings, SqliteStore};

    type Answer = oneshot::Receiver<Result<(), DbError>>;

    async fn store(home: &TempDir) -> SqliteStore {
        let store = SqliteStore::connect(&SqliteSettings::new(home.path().join("auth.db"))).expect("a store");
        store.migrate().await.expect("migrated");
        let tables = "CREATE TABLE notes (id INTEGER PRIMARY KEY);
                      CREATE TABLE replies (id REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)";
        let mut lease = store.db.writer.lease().await.expect("the writer");
        sqlx::raw_sql(tables).execute(&mut *lease).await.expect("made");
        lease.give_back();
        store
    }

    async fn notes(store: &SqliteStore) -> i64 {
        let count = store.db.read((), |connection, ()| {
            Box::pin(async move {
                Ok(sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(connection).await?)
            })
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
        write(&store.db.writer, calls).await;
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
            call("INSERT INTO notes VALUES (1)", true),
            call("INSERT INTO notes VALUES (2); INSERT INTO notes VALUES (1)", true),
            call("INSERT INTO notes VALUES (3)", false),
            call("INSERT INTO notes VALUES (2)", true),
            last,
        ];
        let answers = write_group(&store, calls).await;
        assert!(
            matches!(answers[..], [Ok(()), Err(DbError::Corrupt(_)), Ok(()), Ok(()), Ok(())]),
            "{answers:?}"
        );
        assert_eq!(notes(&store).await, 2);
    }

    #[tokio::test]
    async fn failed_commit_fails_every_call_of_the_group() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let calls = vec![
            call("INSERT INTO notes VALUES (1)", true),
            call("INSERT INTO replies VALUES (9)", true),
            call("SELECT 1", false),
        ];
        let answers = write_group(&store, calls).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(DbError::Unavailable(_)))), "{answers:?}");
        assert_eq!(notes(&store).await, 0);
        let answers = write_group(&store, vec![call("INSERT INTO notes VALUES (1)", true)]).await;
        assert!(matches!(answers[..], [Ok(())]), "{answers:?}");
    }

    #[tokio::test]
    async fn call_without_a_caller_writes_nothing() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let (gone, _) = call("INSERT INTO notes VALUES (1)", true);
        write(&store.db.writer, vec![gone]).await;
        assert_eq!(notes(&store).await, 0);
    }

    #[tokio::test]
    async fn caller_that_goes_while_others_are_served_is_left_out() {
        let home = TempDir::new().expect("a directory");
        let store = store(&home).await;
        let (hasty, given_up) = call("INSERT INTO notes VALUES (2)", true);
        let (slow, answer) = pending(Mutex::new(Some(given_up)), |connection, given_up| {
            drop(given_up.lock().expect("the receiver").take());
            Box::pin(async move {
                sqlx::raw_sql("INSERT INTO notes VALUES (1)").execute(connection).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        write(&store.db.writer, vec![slow, hasty]).await;
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
                sqlx::query("INSERT INTO notes VALUES (1)").execute(connection).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        written.await.expect("written");
        assert_eq!(notes(&store).await, 1);
    }
}
