//! The threads that hashes are computed on, and the queue before them.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auth_domain::ports::PortError;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::engine::Engine;
use super::memory::Memory;

/// How many hashes wait in the queue for each worker, beside the one it computes.
const QUEUED_PER_WORKER: usize = 4;
/// How many callers wait for a place in the queue, for each worker. A worker that takes 10 ms a hash gets through
/// 200 in the 2 seconds that a caller waits: whoever comes after those would wait in vain.
const WAITING_PER_WORKER: usize = 256;
/// How many answers go out together while the queue is long. Hashing goes through all of the processor's caches: whatever is
/// done beside it finds nothing of its own there, and several who do the same at once find what the first one fetched.
const TOGETHER: usize = 8;

/// The worker panicked over this hash; the pool goes on.
#[derive(Debug, Error)]
#[error("the worker panicked")]
struct Panicked;

/// Gives a result to whoever waits for it, if anybody still does.
type Answer = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce(&mut Memory) -> Option<Answer> + Send>;

/// A pool of threads with a bounded queue. Callers are served in the order in which they came; while the queue is long, they
/// are answered several at a time.
pub(super) struct Pool {
    /// One permit for each job that is queued or being computed.
    places: Arc<Semaphore>,
    /// One permit for each caller who waits for a place.
    waiting: Semaphore,
    wait: Duration,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `workers` threads, each with an engine of its own that keeps `share` blocks.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub(super) fn start(
        engine: Engine,
        workers: NonZero<usize>,
        share: usize,
        wait: Duration,
    ) -> io::Result<Self> {
        let workers = workers.get();
        let mut pool = Self {
            places: Arc::new(Semaphore::new(workers * (1 + QUEUED_PER_WORKER))),
            waiting: Semaphore::new(workers * WAITING_PER_WORKER),
            wait,
            queue: Arc::default(),
            threads: Vec::with_capacity(workers),
        };
        let beyond_share = Arc::<Mutex<()>>::default();
        for number in 0..workers {
            let queue = Arc::clone(&pool.queue);
            let memory = Memory::new(engine, share, Arc::clone(&beyond_share));
            let thread = thread::Builder::new().name(format!("hash-{number}"));
            let work = move || {
                step_back();
                queue.serve(memory);
            };
            pool.threads.push(thread.spawn(work)?);
        }
        Ok(pool)
    }

    /// How many threads there are.
    pub(super) fn workers(&self) -> usize {
        self.threads.len()
    }

    /// Has a worker do `work`. If the caller is gone by its turn, it is not done.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when there is no place in time; [`PortError::Unavailable`] when the work panicked.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<R, PortError> {
        let place = self.take_place().await?;
        let (answer, answered) = oneshot::channel();
        self.queue.push(Box::new(move |memory| {
            // The place belongs to the job and not to the caller: callers who come and go must not fill the queue.
            let _place = place;
            if answer.is_closed() {
                return None;
            }
            let result = work(memory);
            let tell: Answer = Box::new(move || {
                let _ = answer.send(result);
            });
            Some(tell)
        }));
        answered.await.map_err(|_| PortError::Unavailable(Panicked.into()))
    }

    async fn take_place(&self) -> Result<OwnedSemaphorePermit, PortError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| PortError::Overloaded)?;
        match timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            // The places are never closed: what is left is that there was none in time.
            Ok(Err(_)) | Err(_) => Err(PortError::Overloaded),
        }
    }
}

/// Ends the threads; each first finishes the hash it is at, and the queue, whose callers are gone, is dropped.
impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker's panics are caught where they happen.
            let _ = thread.join();
        }
    }
}

/// The jobs that wait for a worker.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// What was computed, and is told together with what comes next.
    answers: Vec<Answer>,
    closed: bool,
}

impl Queue {
    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.wake.notify_one();
    }

    fn close(&self) {
        let jobs = {
            let mut state = self.lock();
            state.closed = true;
            mem::take(&mut state.jobs)
        };
        drop(jobs);
        self.wake.notify_all();
    }

    /// A worker's life.
    fn serve(&self, mut memory: Memory) {
        while let Some(job) = self.next() {
            let answer = catch_unwind(AssertUnwindSafe(|| job(&mut memory))).unwrap_or_else(|panic| {
                tracing::error!(panic = describe(&*panic), "a worker panicked over a password hash");
                memory.give_back();
                None
            });
            for answer in self.due(answer) {
                answer();
            }
        }
    }

    /// The answers to be given now that one more job is done: none as long as more jobs wait than answers do.
    fn due(&self, answer: Option<Answer>) -> Vec<Answer> {
        let mut state = self.lock();
        state.answers.extend(answer);
        let is_full = state.answers.len() >= TOGETHER;
        if is_full || state.jobs.len() <= state.answers.len() {
            mem::take(&mut state.answers)
        } else {
            Vec::new()
        }
    }

    /// The next job, as soon as there is one; `None` when the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Lets the threads that answer requests go first: they need a core for microseconds, this one for as long as it gets. It
/// is this thread's own affair (sched(7), "The nice value"), and where it is not allowed, nothing is lost but that.
fn step_back() {
    const NICER: i32 = 19;
    let _ = rustix::process::nice(NICER);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use argon2::Params;
    use argon2::password_hash::phc::Salt;
    use tokio::task::{JoinSet, yield_now};
    use tokio::time::Instant;

    use super::super::argon2_hash::{Argon2Hash, Recipe};
    use super::super::stored::HashingFault;
    use super::*;

    const WAIT: Duration = Duration::from_secs(2);
    const FOREVER: Duration = Duration::from_secs(3_600);

    fn pool(workers: usize, wait: Duration) -> Arc<Pool> {
        let workers = NonZero::new(workers).expect("workers");
        Arc::new(Pool::start(Engine::Simd, workers, 8, wait).expect("threads"))
    }

    /// A hash within the share.
    fn hash(memory: &mut Memory) -> Result<Argon2Hash, HashingFault> {
        let params = Params::new(8, 1, 1, None).expect("parameters");
        Recipe::new(params, Salt::new(&[7; 16]).expect("a salt")).hash(b"password", memory)
    }

    /// Keeps the one worker of a pool busy until it is dropped.
    struct Busy {
        _release: mpsc::Sender<()>,
    }

    async fn busy(pool: &Arc<Pool>) -> Busy {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            let work = move |_: &mut Memory| {
                begun.send(()).expect("the test waits");
                let _ = released.recv();
            };
            pool.run(work).await
        });
        has_begun.await.expect("the worker has begun");
        Busy { _release: release }
    }

    /// Calls that all wait for a busy worker: in the queue as long as it has places, then for a place.
    async fn crowd(pool: &Arc<Pool>, callers: usize) -> JoinSet<Result<(), PortError>> {
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let pool = Arc::clone(pool);
            crowd.spawn(async move { pool.run(|_| ()).await });
        }
        let waiting = || {
            let for_a_place = WAITING_PER_WORKER - pool.waiting.available_permits();
            pool.queue.lock().jobs.len() + for_a_place
        };
        while waiting() < callers {
            yield_now().await;
        }
        crowd
    }

    /// Makes the call, and drops it as soon as it has to wait.
    async fn begin_and_give_up(call: impl Future<Output = Result<(), PortError>>) {
        assert!(timeout(Duration::ZERO, call).await.is_err(), "the call has to wait");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_place_in_time_is_told_so() {
        let pool = pool(1, WAIT);
        let _busy = busy(&pool).await;
        let _queue = crowd(&pool, QUEUED_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.run(|_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_too_many_waiting_is_told_so_at_once() {
        let pool = pool(1, WAIT);
        let _busy = busy(&pool).await;
        let _crowd = crowd(&pool, QUEUED_PER_WORKER + WAITING_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.run(|_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn whoever_waits_is_served_when_there_is_room_again() {
        let pool = pool(1, FOREVER);
        let busy = busy(&pool).await;
        let crowd = crowd(&pool, QUEUED_PER_WORKER + 20).await;
        drop(busy);
        assert!(crowd.join_all().await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn callers_are_served_in_the_order_in_which_they_came() {
        let pool = pool(1, FOREVER);
        let busy = busy(&pool).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut calls = JoinSet::new();
        for number in 0..3 * QUEUED_PER_WORKER {
            let (pool, served) = (Arc::clone(&pool), Arc::clone(&served));
            calls.spawn(async move { pool.run(move |_| served.lock().expect("a list").push(number)).await });
            yield_now().await;
        }
        drop(busy);
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        assert!(served.lock().expect("a list").is_sorted());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_done() {
        let pool = pool(1, FOREVER);
        let busy = busy(&pool).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = || {
            let done = Arc::clone(&done);
            move |_: &mut Memory| {
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        begin_and_give_up(pool.run(count())).await;
        begin_and_give_up(pool.run(count())).await;
        drop(busy);
        pool.run(count()).await.expect("served");
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_who_come_and_go_do_not_lengthen_the_queue() {
        let pool = pool(1, WAIT);
        let _busy = busy(&pool).await;
        for _ in 0..1_000 {
            begin_and_give_up(pool.run(|_| ())).await;
        }
        assert_eq!(pool.queue.lock().jobs.len(), QUEUED_PER_WORKER);
    }

    /// How many answers are due after each of so many jobs, while this many others wait at first and no more come.
    fn due_while_waiting(jobs: usize) -> Vec<usize> {
        let queue = Queue::default();
        queue.lock().jobs.extend((0..jobs).map(|_| -> Job { Box::new(|_| None) }));
        let due = |_| {
            let due = queue.due(Some(Box::new(|| ()))).len();
            queue.lock().jobs.pop_front();
            due
        };
        (0..=jobs).map(due).collect()
    }

    #[test]
    fn while_more_wait_than_are_kept_answers_go_out_together() {
        assert_eq!(due_while_waiting(0), [1], "nobody is kept waiting for nobody");
        assert_eq!(due_while_waiting(1), [1, 1]);
        assert_eq!(due_while_waiting(4), [0, 0, 3, 1, 1]);
        assert_eq!(due_while_waiting(40)[..16], [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8]);
    }

    #[test]
    fn whoever_is_kept_is_answered_when_those_who_wait_are_gone() {
        let queue = Queue::default();
        queue.lock().jobs.extend((0..3).map(|_| -> Job { Box::new(|_| None) }));
        assert_eq!(queue.due(Some(Box::new(|| ()))).len(), 0);
        queue.lock().jobs.clear();
        assert_eq!(queue.due(None).len(), 1, "a job that came to nothing was the last one");
    }

    #[tokio::test]
    async fn as_much_is_done_at_a_time_as_there_are_workers_and_no_more() {
        const WORKERS: usize = 3;
        let pool = pool(WORKERS, FOREVER);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // Each of three jobs waits for two others at work: with fewer workers this would never end.
        let meeting = Arc::new(Barrier::new(WORKERS));
        let mut calls = JoinSet::new();
        for _ in 0..20 * WORKERS {
            let (pool, meeting) = (Arc::clone(&pool), Arc::clone(&meeting));
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            let work = move |_: &mut Memory| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                meeting.wait();
                now.fetch_sub(1, Ordering::SeqCst);
            };
            calls.spawn(async move { pool.run(work).await });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), WORKERS);
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_caller_the_answer_and_nobody_else() {
        let pool = pool(1, FOREVER);
        let work = |memory: &mut Memory| {
            hash(memory).expect("a hash");
            assert_eq!(memory.blocks(), 0, "on purpose");
        };
        assert!(matches!(pool.run(work).await, Err(PortError::Unavailable(_))));
        let after = pool.run(|memory| (memory.blocks(), hash(memory).is_ok())).await;
        assert!(matches!(after, Ok((0, true))), "new memory, and the worker lives");
        // A worker frees a place the moment after it has answered: if the panic kept one, this would not end.
        while pool.places.available_permits() < 1 + QUEUED_PER_WORKER {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn dropping_the_pool_ends_its_threads_and_drops_what_they_had_to_do() {
        let pool = pool(2, FOREVER);
        let shared = Arc::downgrade(&pool.queue);
        pool.run(|_| ()).await.expect("served");
        drop(pool);
        assert!(shared.upgrade().is_none(), "no thread holds the queue any more");
    }
}
