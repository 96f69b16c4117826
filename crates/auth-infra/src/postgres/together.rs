//! Questions that go to the server together: what is asked while others are under way waits for its turn, and all that
//! waits then is asked by one statement.
//!
//! A round trip and a commit cost the server and this program more than what a question takes in them. Nobody waits for
//! company: a question that comes alone goes alone, at once.

use std::error::Error;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_domain::ports::PortError;
use sqlx::PgConnection;
use tokio::sync::oneshot;

use super::PostgresStore;
use super::error::Fault;
use crate::store::Detail;

/// How many statements of one kind may be under way: while one waits for the server's disk, the next is on its way.
const UNDER_WAY: usize = 2;

/// The most questions in one statement: so many take some milliseconds.
const MOST: usize = 64;

/// What can be asked together with others of its kind.
pub(super) trait Question: Sized + Send + Sync + 'static {
    type Outcome: Send + 'static;

    /// The outcomes of `questions`, in their order, or that one takes more than this to know; by statements that are
    /// transactions of their own.
    fn decide(
        connection: &mut PgConnection,
        questions: &[Self],
    ) -> impl Future<Output = Result<Vec<ControlFlow<Self::Outcome>>, Fault>> + Send;
}

type Answer<Q> = Result<ControlFlow<<Q as Question>::Outcome>, PortError>;

/// Where questions of one kind wait for their turn. Cloning it is cheap: the clones share it.
pub(super) struct Together<Q: Question>(Arc<Mutex<Queue<Q>>>);

impl<Q: Question> Clone for Together<Q> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q: Question> Default for Together<Q> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: Vec::new(), under_way: 0 })))
    }
}

struct Queue<Q: Question> {
    waiting: Vec<Waiting<Q>>,
    under_way: usize,
}

struct Waiting<Q: Question> {
    question: Q,
    answer: oneshot::Sender<Answer<Q>>,
}

impl<Q: Question> Together<Q> {
    /// The answer to this question. Whoever does not wait for it any more leaves the others theirs.
    pub(super) async fn ask(&self, store: &PostgresStore, question: Q) -> Answer<Q> {
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.wait(Waiting { question, answer }) {
            tokio::spawn(turn.take(store.clone()));
        }
        let gone = |_| Err(PortError::Unavailable(Box::new(Detail::new("nobody asks any more"))));
        answered.await.unwrap_or_else(gone)
    }

    /// Waits for one of the turns that are under way, or for the one that begins with this.
    fn wait(&self, waiting: Waiting<Q>) -> Option<Turn<Q>> {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        (queue.under_way < UNDER_WAY).then(|| {
            queue.under_way += 1;
            Turn { of: self.clone(), is_over: false }
        })
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
    /// Asks what waits, for as long as anything does.
    async fn take(mut self, store: PostgresStore) {
        while let Some(waiting) = self.next() {
            let (questions, askers): (Vec<_>, Vec<_>) =
                waiting.into_iter().map(|Waiting { question, answer }| (question, answer)).unzip();
            let outcomes = store.at_once(|mut lease| {
                let questions = &questions;
                async move {
                    let outcomes = Q::decide(&mut lease, questions).await;
                    lease.answered(outcomes)
                }
            });
            let answers = answers::<Q>(outcomes.await, askers.len());
            for (asker, answer) in askers.into_iter().zip(answers) {
                let _ = asker.send(answer);
            }
        }
    }

    /// Those who still wait, as many as go together; if there is nobody, the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting<Q>>> {
        let mut queue = self.of.queue();
        queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        let going = queue.waiting.len().min(MOST);
        if going > 0 {
            return Some(queue.waiting.drain(..going).collect());
        }
        queue.under_way -= 1;
        self.is_over = true;
        None
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
        Err(PortError::Corrupt(_)) => for_each(&|| Ok(ControlFlow::Continue(()))),
        Err(PortError::Overloaded) => for_each(&|| Err(PortError::Overloaded)),
        Err(PortError::Unavailable(cause)) => {
            let cause: Arc<dyn Error + Send + Sync> = cause.into();
            for_each(&|| Err(PortError::Unavailable(Box::new(Arc::clone(&cause)))))
        }
    }
}
