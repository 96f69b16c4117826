//! Questions that go to the server together: what is asked while others are under way waits for its turn, and all that
//! waits then is asked by one statement.
//!
//! A round trip and a commit cost more than the work itself. Nobody waits for company: a question that comes alone goes
//! alone, at once. A thread of the store's own asks, since the executor of a request may be busy, or end, while others wait.

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use sqlx::PgConnection;
use tokio::runtime::{self, Runtime};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::sleep;

use super::PostgresStore;
use super::error::DbError;
use crate::store::{ErrorMessage, StoreError};

/// How many turns of one kind may be under way: while one waits for the server's disk, the next is on its way.
const MAX_CONCURRENT_RUNS: usize = 2;

/// A turn that takes longer does not count any more: its connection may have died without a word.
const STALL_TIMEOUT: Duration = Duration::from_millis(250);

/// The most questions in one statement: so many take some milliseconds.
const MAX_BATCH: usize = 64;

/// What can be asked together with others of its kind.
pub(super) trait BatchRequest: Sized + Send + Sync + 'static {
    type Outcome: Send + 'static;

    /// What comes of each of `asked`, in their order, by statements that are transactions of their own. Nothing is to be
    /// written for those who do not wait any more.
    fn decide(
        connection: &mut PgConnection,
        asked: &[Pending<Self>],
    ) -> impl Future<Output = Result<Vec<BatchOutcome<Self::Outcome>>, DbError>> + Send;
}

/// What came of a question.
pub(super) enum BatchOutcome<T> {
    Done(T),
    /// Others were faster: it may be asked again.
    Retry,
    /// It takes a transaction of its own.
    RunAlone,
}

type Reply<Q> = Result<BatchOutcome<<Q as BatchRequest>::Outcome>, PortError>;

/// A question, and who waits for its answer.
pub(super) struct Pending<Q: BatchRequest> {
    pub(super) question: Q,
    asker: oneshot::Sender<Reply<Q>>,
}

impl<Q: BatchRequest> Pending<Q> {
    /// Whether anybody still waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        !self.asker.is_closed()
    }
}

/// Where questions of one kind wait for their turn. Cloning it is cheap: the clones share it.
pub(super) struct Batcher<Q: BatchRequest>(Arc<Mutex<Queue<Q>>>);

struct Queue<Q: BatchRequest> {
    waiting: VecDeque<Pending<Q>>,
    under_way: usize,
}

impl<Q: BatchRequest> Clone for Batcher<Q> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q: BatchRequest> Default for Batcher<Q> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), under_way: 0 })))
    }
}

impl<Q: BatchRequest> Batcher<Q> {
    /// The answer to this question.
    pub(super) async fn ask(&self, store: &PostgresStore, question: Q) -> Reply<Q> {
        let (asker, answer) = oneshot::channel();
        self.queue().waiting.push_back(Pending { question, asker });
        self.begin(store);
        let gone = |_| Err(PortError::Unavailable(Box::new(ErrorMessage::new("the turn was broken off"))));
        answer.await.unwrap_or_else(gone)
    }

    /// Begins a turn if anybody waits and it may be under way.
    fn begin(&self, store: &PostgresStore) {
        let mut queue = self.queue();
        if queue.waiting.is_empty() || queue.under_way >= MAX_CONCURRENT_RUNS {
            return;
        }
        queue.under_way += 1;
        drop(queue);
        store.executor.spawn(BatchRun { of: self.clone(), is_over: false }.take(store.clone()));
    }

    /// So many, at the most, of those who still wait.
    fn next(&self, most: usize) -> Vec<Pending<Q>> {
        let mut queue = self.queue();
        queue.waiting.retain(Pending::is_awaited);
        let going = queue.waiting.len().min(most);
        queue.waiting.drain(..going).collect()
    }

    /// Asks what waits now, and with it what waits by the time that there is a connection.
    async fn ask_all(&self, store: &PostgresStore) {
        // Nobody else locks it: the attempts come one after the other.
        let asked = AsyncMutex::new(self.next(MAX_BATCH));
        let outcomes = store.at_once(|mut lease| async {
            let mut asked = asked.lock().await;
            asked.retain(Pending::is_awaited);
            let room = MAX_BATCH - asked.len();
            asked.extend(self.next(room));
            let outcomes =
                if asked.is_empty() { Ok(Vec::new()) } else { Q::decide(&mut lease, &asked).await };
            lease.answered(outcomes)
        });
        let outcomes = outcomes.await;
        let asked = asked.into_inner();
        let answers = answers::<Q>(outcomes, asked.len());
        for (Pending { asker, .. }, answer) in asked.into_iter().zip(answers) {
            let _ = asker.send(answer);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Q>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask. It counts as under way until it is over.
struct BatchRun<Q: BatchRequest> {
    of: Batcher<Q>,
    is_over: bool,
}

impl<Q: BatchRequest> BatchRun<Q> {
    /// Asks for as long as anybody waits.
    async fn take(mut self, store: PostgresStore) {
        let of = self.of.clone();
        while self.goes_on() {
            let asking = pin!(AssertUnwindSafe(of.ask_all(&store)).catch_unwind());
            // When it panics, those who wait are told by the loss of their questions, and the log by the panic.
            if let Either::Right(((), asking)) = select(asking, pin!(sleep(STALL_TIMEOUT))).await {
                self.end();
                of.begin(&store);
                let _ = asking.await;
            }
        }
    }

    /// Whether there is more to ask; otherwise the turn is over.
    fn goes_on(&mut self) -> bool {
        let mut queue = self.of.queue();
        queue.waiting.retain(Pending::is_awaited);
        if queue.waiting.is_empty() && !self.is_over {
            queue.under_way -= 1;
            self.is_over = true;
        }
        !self.is_over
    }

    fn end(&mut self) {
        if !self.is_over {
            self.of.queue().under_way -= 1;
            self.is_over = true;
        }
    }
}

impl<Q: BatchRequest> Drop for BatchRun<Q> {
    /// A turn that was broken off makes room for another.
    fn drop(&mut self) {
        self.end();
    }
}

/// What each of so many is answered when this is what came of asking together.
fn answers<Q: BatchRequest>(
    outcomes: Result<Vec<BatchOutcome<Q::Outcome>>, PortError>,
    count: usize,
) -> Vec<Reply<Q>> {
    let for_each = |answer: &dyn Fn() -> Reply<Q>| (0..count).map(|_| answer()).collect();
    match outcomes {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        // Something about one of them makes no sense, and nothing was written: each goes on by itself.
        Err(PortError::Corrupt(cause)) => {
            tracing::warn!(%cause, count, "what was asked together failed, and is asked one by one");
            for_each(&|| Ok(BatchOutcome::RunAlone))
        }
        Err(PortError::Overloaded) => for_each(&|| Err(PortError::Overloaded)),
        Err(PortError::Unavailable(cause)) => {
            let cause: Arc<dyn Error + Send + Sync> = cause.into();
            for_each(&|| Err(PortError::Unavailable(Box::new(Arc::clone(&cause)))))
        }
    }
}

/// The thread that asks.
pub(super) struct Executor(Option<Runtime>);

impl Executor {
    pub(super) fn start() -> Result<Self, StoreError> {
        let built = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build();
        let failed = |error| {
            let detail = ErrorMessage::new(format!("no thread to ask with: {error}"));
            StoreError::Port(PortError::Unavailable(Box::new(detail)))
        };
        built.map(|runtime| Self(Some(runtime))).map_err(failed)
    }

    fn spawn(&self, turn: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(turn);
        }
    }
}

impl Drop for Executor {
    /// Not in the way that waits for the thread: that may be the one that this is called on.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
