//! Batches concurrent requests of one kind into one statement (ADR 0016).
//!
//! ```text
//! callers    submit(request) ──► queue ──────────────┐ at most MAX_BATCH requests
//!                                                    ▼
//! runs       at most MAX_CONCURRENT_RUNS     BatchRequest::execute(connection, batch)
//!                                                    │ one BatchOutcome per request
//! callers    Done(outcome) ◄─────────────────────────┤
//!            Retry: submit again ◄───────────────────┤
//!            RunAlone: use a transaction ◄───────────┘
//! ```
//!
//! A round trip and a commit cost more than the work itself. A single request is never delayed to form a batch: a run
//! starts at once if fewer than [`MAX_CONCURRENT_RUNS`] are active. Runs execute on a thread of the store, because the
//! executor of the submitting request may be busy, or end, while other callers wait.

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use sqlx::PgConnection;
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::sleep;

use super::error::DbError;
use super::shared::Database;

/// The active runs of one kind of request. While one waits for the server's disk, the next one is prepared.
const MAX_CONCURRENT_RUNS: usize = 2;

/// A run that takes longer is no longer counted as active, because its connection may have died silently.
const STALL_TIMEOUT: Duration = Duration::from_millis(250);

/// The most requests in one statement. A full batch takes a few milliseconds.
const MAX_BATCH: usize = 64;

/// A request that can share a statement with others of its kind.
pub(super) trait BatchRequest: Sized + Send + Sync + 'static {
    type Outcome: Send + 'static;

    /// Returns one outcome per request, in the same order. Runs statements that are transactions of their own. Writes nothing
    /// for a request whose caller has gone.
    fn execute(
        connection: &mut PgConnection,
        batch: &[Pending<Self>],
    ) -> impl Future<Output = Result<Vec<BatchOutcome<Self::Outcome>>, DbError>> + Send;
}

/// The result of one request of a batch.
pub(super) enum BatchOutcome<T> {
    Done(T),
    /// Another transaction was faster: the caller may submit the request again.
    Retry,
    /// The request needs a transaction of its own.
    RunAlone,
}

type Reply<R> = Result<BatchOutcome<<R as BatchRequest>::Outcome>, PortError>;

/// A request and the channel to its caller.
pub(super) struct Pending<R: BatchRequest> {
    pub(super) request: R,
    caller: oneshot::Sender<Reply<R>>,
}

impl<R: BatchRequest> Pending<R> {
    pub(super) fn is_awaited(&self) -> bool {
        !self.caller.is_closed()
    }
}

/// The queue of one kind of request. Cloning it is cheap: the clones share it.
pub(super) struct Batcher<R: BatchRequest>(Arc<Mutex<Queue<R>>>);

struct Queue<R: BatchRequest> {
    waiting: VecDeque<Pending<R>>,
    active_runs: usize,
}

impl<R: BatchRequest> Clone for Batcher<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: BatchRequest> Default for Batcher<R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), active_runs: 0 })))
    }
}

impl<R: BatchRequest> Batcher<R> {
    /// Queues a request and waits for its outcome.
    pub(super) async fn submit(&self, db: &Database, request: R) -> Reply<R> {
        let (caller, reply) = oneshot::channel();
        self.0.lock().waiting.push_back(Pending { request, caller });
        self.start_run(db);
        reply.await.unwrap_or_else(|_| Err(PortError::Unavailable("the batch was interrupted".into())))
    }

    /// Starts a run if a request waits and fewer than [`MAX_CONCURRENT_RUNS`] are active.
    fn start_run(&self, db: &Database) {
        let mut queue = self.0.lock();
        if queue.waiting.is_empty() || queue.active_runs >= MAX_CONCURRENT_RUNS {
            return;
        }
        queue.active_runs += 1;
        drop(queue);
        db.thread.spawn(BatchRun { batcher: self.clone(), is_active: true }.execute(db.clone()));
    }

    /// Takes at most `limit` requests whose callers still wait.
    fn take(&self, limit: usize) -> Vec<Pending<R>> {
        let mut queue = self.0.lock();
        queue.waiting.retain(Pending::is_awaited);
        let taken = queue.waiting.len().min(limit);
        queue.waiting.drain(..taken).collect()
    }

    /// Executes one batch and replies to its callers.
    async fn execute_batch(&self, db: &Database) {
        // The mutex is never contended, because the attempts run one after the other.
        let batch = (self, AsyncMutex::new(self.take(MAX_BATCH)));
        let outcomes = db.autocommit(&batch, |connection, batch| Box::pin(attempt(connection, batch))).await;
        let pending = batch.1.into_inner();
        let replies = replies::<R>(outcomes, pending.len());
        for (Pending { caller, .. }, reply) in pending.into_iter().zip(replies) {
            let _ = caller.send(reply);
        }
    }
}

/// Executes a batch, together with the requests that were queued while it waited for a connection.
async fn attempt<R: BatchRequest>(
    connection: &mut PgConnection,
    (batcher, pending): &(&Batcher<R>, AsyncMutex<Vec<Pending<R>>>),
) -> Result<Vec<BatchOutcome<R::Outcome>>, DbError> {
    let mut pending = pending.lock().await;
    pending.retain(Pending::is_awaited);
    let room = MAX_BATCH - pending.len();
    pending.extend(batcher.take(room));
    if pending.is_empty() { Ok(Vec::new()) } else { R::execute(connection, &pending).await }
}

/// Returns one reply per request of a batch.
fn replies<R: BatchRequest>(
    outcomes: Result<Vec<BatchOutcome<R::Outcome>>, PortError>,
    count: usize,
) -> Vec<Reply<R>> {
    match outcomes {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        // One request spoilt the statement, and nothing was written. Each runs alone, so only that one fails.
        Err(PortError::Corrupt(cause)) => {
            tracing::warn!(%cause, count, "a batch failed; its requests run one by one");
            (0..count).map(|_| Ok(BatchOutcome::RunAlone)).collect()
        }
        Err(PortError::Overloaded) => (0..count).map(|_| Err(PortError::Overloaded)).collect(),
        Err(PortError::Unavailable(cause)) => {
            let cause: Arc<dyn Error + Send + Sync> = cause.into();
            (0..count).map(|_| Err(PortError::Unavailable(Box::new(Arc::clone(&cause))))).collect()
        }
    }
}

/// An active run. It counts towards [`MAX_CONCURRENT_RUNS`] until it is released.
struct BatchRun<R: BatchRequest> {
    batcher: Batcher<R>,
    is_active: bool,
}

impl<R: BatchRequest> BatchRun<R> {
    /// Executes batches until no caller waits.
    async fn execute(mut self, db: Database) {
        let batcher = self.batcher.clone();
        while self.continues() {
            // A panic must not end the run: other callers are still queued. The callers of the batch get an error, because
            // their channels are dropped, and the panic is logged by its hook.
            let batch = pin!(AssertUnwindSafe(batcher.execute_batch(&db)).catch_unwind());
            if let Either::Right(((), batch)) = select(batch, pin!(sleep(STALL_TIMEOUT))).await {
                self.release();
                batcher.start_run(&db);
                // The stalled batch still gets its answer or its deadline.
                let _ = batch.await;
            }
        }
    }

    /// Returns whether to execute another batch; otherwise the run is released. Both happen under the lock of the queue, so
    /// that a request that is queued in between starts a new run.
    fn continues(&mut self) -> bool {
        let mut queue = self.batcher.0.lock();
        queue.waiting.retain(Pending::is_awaited);
        if queue.waiting.is_empty() && self.is_active {
            queue.active_runs -= 1;
            self.is_active = false;
        }
        self.is_active
    }

    fn release(&mut self) {
        if self.is_active {
            self.batcher.0.lock().active_runs -= 1;
            self.is_active = false;
        }
    }
}

impl<R: BatchRequest> Drop for BatchRun<R> {
    /// Releases a run that was interrupted, for example by the end of its executor.
    fn drop(&mut self) {
        self.release();
    }
}
