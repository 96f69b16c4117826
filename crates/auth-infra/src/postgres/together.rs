//! Questions that go to the server together: what is asked while others are under way waits for its turn, and all that
//! waits then is asked by one statement.
//!
//! A round trip and a commit cost the server and this program more than what a question takes in them. Nobody waits for
//! company: a question that comes alone goes alone, at once. A thread of the store's own asks, so that who waits does not
//! depend on the executor of another request.

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auth_domain::ports::PortError;
use futures_util::FutureExt;
use sqlx::PgConnection;
use tokio::runtime::{self, Runtime};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::PostgresStore;
use super::error::Fault;
use crate::store::{Detail, StoreError};

/// How many statements of one kind may be under way: while one waits for the server's disk, the next is on its way.
const UNDER_WAY: usize = 2;

/// One more may be under way when nothing was asked for this long: those before have fallen silent.
const SILENCE: Duration = Duration::from_millis(250);

/// The most questions in one statement: so many take some milliseconds.
const MOST: usize = 64;

/// What can be asked together with others of its kind.
pub(super) trait Question: Sized + Send + Sync + 'static {
    type Outcome: Send + 'static;

    /// The outcomes of `asked`, in their order, or that one takes more than this to know; by statements that are
    /// transactions of their own. Nothing is to be written for whom nobody waits any more.
    fn decide(
        connection: &mut PgConnection,
        asked: &[Asked<Self>],
    ) -> impl Future<Output = Result<Vec<ControlFlow<Self::Outcome>>, Fault>> + Send;
}

type Answer<Q> = Result<ControlFlow<<Q as Question>::Outcome>, PortError>;

/// A question, and who waits for its answer.
pub(super) struct Asked<Q: Question> {
    pub(super) question: Q,
    asker: oneshot::Sender<Answer<Q>>,
}

impl<Q: Question> Asked<Q> {
    /// Whether anybody still waits for the answer.
    pub(super) fn is_awaited(&self) -> bool {
        !self.asker.is_closed()
    }
}

/// Where questions of one kind wait for their turn. Cloning it is cheap: the clones share it.
pub(super) struct Together<Q: Question>(Arc<Mutex<Queue<Q>>>);

struct Queue<Q: Question> {
    waiting: VecDeque<Asked<Q>>,
    under_way: usize,
    last_asked: Instant,
}

impl<Q: Question> Clone for Together<Q> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q: Question> Default for Together<Q> {
    fn default() -> Self {
        let queue = Queue { waiting: VecDeque::new(), under_way: 0, last_asked: Instant::now() };
        Self(Arc::new(Mutex::new(queue)))
    }
}

impl<Q: Question> Together<Q> {
    /// The answer to this question.
    pub(super) async fn ask(&self, store: &PostgresStore, question: Q) -> Answer<Q> {
        let (asker, answer) = oneshot::channel();
        if let Some(turn) = self.wait(Asked { question, asker }) {
            store.executor.spawn(turn.take(store.clone()));
        }
        let gone = |_| Err(PortError::Unavailable(Box::new(Detail::new("nobody answers any more"))));
        answer.await.unwrap_or_else(gone)
    }

    /// Waits for one of the turns that are under way, or for the one that begins with this.
    fn wait(&self, asked: Asked<Q>) -> Option<Turn<Q>> {
        let mut queue = self.queue();
        queue.waiting.push_back(asked);
        let begins = queue.under_way < UNDER_WAY || queue.last_asked.elapsed() > SILENCE;
        begins.then(|| {
            queue.under_way += 1;
            queue.last_asked = Instant::now();
            Turn { of: self.clone(), is_over: false }
        })
    }

    /// As many of those who wait as go together.
    fn next(&self) -> Vec<Asked<Q>> {
        let mut queue = self.queue();
        queue.last_asked = Instant::now();
        let going = queue.waiting.len().min(MOST);
        queue.waiting.drain(..going).collect()
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Q>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those that may be under way.
struct Turn<Q: Question> {
    of: Together<Q>,
    is_over: bool,
}

impl<Q: Question> Turn<Q> {
    async fn take(mut self, store: PostgresStore) {
        while self.goes_on() {
            // Those who wait are told by the loss of their questions, and so is the log, by the panic.
            let _ = AssertUnwindSafe(self.ask_all(&store)).catch_unwind().await;
        }
    }

    /// For as long as anybody waits.
    fn goes_on(&mut self) -> bool {
        let mut queue = self.of.queue();
        if queue.waiting.is_empty() {
            queue.under_way -= 1;
            self.is_over = true;
        }
        !self.is_over
    }

    /// Asks what waits by the time that there is a connection.
    async fn ask_all(&self, store: &PostgresStore) {
        let asked = AsyncMutex::new(Vec::new());
        let outcomes = store.at_once(|mut lease| async {
            let mut asked = asked.lock().await;
            if asked.is_empty() {
                *asked = self.of.next();
            }
            // It may be another attempt.
            asked.retain(Asked::is_awaited);
            let outcomes =
                if asked.is_empty() { Ok(Vec::new()) } else { Q::decide(&mut lease, &asked).await };
            lease.answered(outcomes)
        });
        let outcomes = outcomes.await;
        let mut asked = asked.into_inner();
        if outcomes.is_err() && asked.is_empty() {
            asked = self.of.next(); // there was no connection
        }
        let answers = answers::<Q>(outcomes, asked.len());
        for (Asked { asker, .. }, answer) in asked.into_iter().zip(answers) {
            let _ = asker.send(answer);
        }
    }
}

impl<Q: Question> Drop for Turn<Q> {
    /// A turn that was broken off makes room for another.
    fn drop(&mut self) {
        if !self.is_over {
            self.of.queue().under_way -= 1;
        }
    }
}

/// What each of so many is answered when this is what came of asking together.
fn answers<Q: Question>(
    outcomes: Result<Vec<ControlFlow<Q::Outcome>>, PortError>,
    count: usize,
) -> Vec<Answer<Q>> {
    let for_each = |answer: &dyn Fn() -> Answer<Q>| (0..count).map(|_| answer()).collect();
    match outcomes {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        // Something about one of them makes no sense, and nothing was written: each goes on by itself.
        Err(PortError::Corrupt(cause)) => {
            tracing::warn!(%cause, count, "what was asked together failed, and is asked one by one");
            for_each(&|| Ok(ControlFlow::Continue(())))
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
            let detail = Detail::new(format!("no thread to ask with: {error}"));
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
