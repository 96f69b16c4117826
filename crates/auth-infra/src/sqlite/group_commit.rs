//! Group commit: several calls share a transaction, and the wait for the disk (ADR 0013).
//!
//! A thread of the store writes. It runs all queued calls in one transaction, each within a savepoint: a call that fails undoes
//! its own work only. All are answered when the transaction is on disk. The thread also keeps busy request executors from
//! blocking the only connection that writes.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::thread;

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::error::DbError;
use super::revoked_rows::catch_up;
use super::shared::Database;
use crate::sql::{DEADLINE, Pool, StoreError, TxOutcome, Work, within};

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
            .map_err(|error| StoreError::thread("SQLite writer", &error))?;
        let (sender, queue) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(write_always(writer, queue)))
            .map_err(|error| StoreError::thread("SQLite writer", &error))?;
        Ok(Self(sender))
    }
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
        let ended = || PortError::Unavailable("the writer thread ended".into());
        let (write, answer) = pending(args, work);
        self.thread.0.send(write).map_err(|_| ended())?;
        let answer = pin!(async { Ok(answer.await.map_err(|_| ended())??) });
        within(DEADLINE, answer).await
    }
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
mod tests;
