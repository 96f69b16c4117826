//! The threads that hashes are computed on, and the queue before them.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
/// How many answers are told together at most, and how long one waits for company. Whoever comes after a hash finds nothing of
/// its own in the processor's caches; several at once find what the first one fetched.
const TOGETHER: usize = 8;
const COMPANY: Duration = Duration::from_millis(50);

/// The worker panicked over this hash; the pool goes on.
#[derive(Debug, Error)]
#[error("the worker panicked")]
struct Panicked;

/// Gives a result to whoever waits for it, if anybody still does.
type Answer = Box<dyn FnOnce() + Send>;
type Work = Box<dyn FnOnce(&mut Memory) -> Option<Answer> + Send>;

/// How long a job takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// As long as nearly all: a hash with today's parameters.
    Usual,
    /// Perhaps much longer: a hash that somebody else made.
    Unknown,
}

struct Job {
    cost: Cost,
    work: Work,
}

/// A pool of threads with a bounded queue. Callers are served in the order in which they came; while more of them are queued
/// than are to be told, and hashes are quick, they are told several at a time. Nobody waits for company behind a job of unknown
/// cost.
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
        cost: Cost,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<R, PortError> {
        let place = self.take_place().await?;
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |memory| {
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
        });
        self.queue.push(Job { cost, work });
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
    kept: Kept,
    closed: bool,
}

/// What was computed, and is to be told together with what comes next.
#[derive(Default)]
struct Kept {
    answers: Vec<Answer>,
    /// When the first of them was there.
    since: Option<Instant>,
}

impl Kept {
    fn add(&mut self, answer: Answer) {
        self.since.get_or_insert_with(Instant::now);
        self.answers.push(answer);
    }

    /// Whether to wait no longer, while so many jobs are queued and the next one takes as long as this.
    fn is_due(&self, queued: usize, next: Duration) -> bool {
        queued <= self.answers.len()
            || self.answers.len() >= TOGETHER
            || self.since.is_some_and(|since| since.elapsed() + next > COMPANY)
    }

    fn take(&mut self) -> Vec<Answer> {
        mem::take(self).answers
    }
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
        while let Some(Job { cost, work }) = self.next() {
            if cost == Cost::Unknown {
                tell(self.lock().kept.take());
            }
            let begun = Instant::now();
            let answer = catch_unwind(AssertUnwindSafe(|| work(&mut memory))).unwrap_or_else(|panic| {
                tracing::error!(panic = describe(&*panic), "a worker panicked over a password hash");
                memory.give_back();
                None
            });
            tell(self.done(answer, begun.elapsed()));
        }
    }

    /// The answers to be told now that one more job is done, which took so long.
    fn done(&self, answer: Option<Answer>, took: Duration) -> Vec<Answer> {
        let mut state = self.lock();
        if let Some(answer) = answer {
            state.kept.add(answer);
        }
        if state.kept.is_due(state.jobs.len(), took) { state.kept.take() } else { Vec::new() }
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

fn tell(answers: Vec<Answer>) {
    for answer in answers {
        // It wakes the caller's task, which is not this thread's to vouch for.
        let _ = catch_unwind(AssertUnwindSafe(answer));
    }
}

fn describe(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Lets the threads that answer requests go first: they need a core for microseconds, this one for as long as it gets. It
/// is this thread's own affair (sched(7), "The nice value"), and where it is not allowed, nothing is lost but that.
fn step_back() {
    const NICER: i32 = 10;
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
            pool.run(Cost::Usual, work).await
        });
        has_begun.await.expect("the worker has begun");
        Busy { _release: release }
    }

    /// Calls that all wait for a busy worker: in the queue as long as it has places, then for a place.
    async fn crowd(pool: &Arc<Pool>, callers: usize) -> JoinSet<Result<(), PortError>> {
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let pool = Arc::clone(pool);
            crowd.spawn(async move { pool.run(Cost::Usual, |_| ()).await });
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
        assert!(matches!(pool.run(Cost::Usual, |_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_too_many_waiting_is_told_so_at_once() {
        let pool = pool(1, WAIT);
        let _busy = busy(&pool).await;
        let _crowd = crowd(&pool, QUEUED_PER_WORKER + WAITING_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.run(Cost::Usual, |_| ()).await, Err(PortError::Overloaded)));
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
            calls.spawn(async move {
                pool.run(Cost::Usual, move |_| served.lock().expect("a list").push(number)).await
            });
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
        begin_and_give_up(pool.run(Cost::Usual, count())).await;
        begin_and_give_up(pool.run(Cost::Usual, count())).await;
        drop(busy);
        pool.run(Cost::Usual, count()).await.expect("served");
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_who_come_and_go_do_not_lengthen_the_queue() {
        let pool = pool(1, WAIT);
        let _busy = busy(&pool).await;
        for _ in 0..1_000 {
            begin_and_give_up(pool.run(Cost::Usual, |_| ())).await;
        }
        assert_eq!(pool.queue.lock().jobs.len(), QUEUED_PER_WORKER);
    }

    fn nothing() -> Job {
        Job { cost: Cost::Usual, work: Box::new(|_| None) }
    }

    fn queue_of(jobs: usize) -> Queue {
        let queue = Queue::default();
        queue.lock().jobs.extend((0..jobs).map(|_| nothing()));
        queue
    }

    fn one_is_done(queue: &Queue, took: Duration) -> usize {
        queue.done(Some(Box::new(|| ())), took).len()
    }

    #[test]
    fn while_more_are_queued_than_are_to_be_told_answers_are_told_together() {
        /// How many answers are told after each job, while so many are queued at first and no more come.
        fn told(jobs: usize) -> Vec<usize> {
            let queue = queue_of(jobs);
            let one = |_| {
                let told = one_is_done(&queue, Duration::ZERO);
                queue.lock().jobs.pop_front();
                told
            };
            (0..=jobs).map(one).collect()
        }
        assert_eq!(told(0), [1], "nobody is kept waiting for nobody");
        assert_eq!(told(1), [1, 1]);
        assert_eq!(told(4), [0, 0, 3, 1, 1]);
        assert_eq!(told(40)[..16], [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8]);
    }

    #[test]
    fn whoever_is_kept_is_told_when_those_who_were_queued_are_gone() {
        let queue = queue_of(3);
        assert_eq!(one_is_done(&queue, Duration::ZERO), 0);
        queue.lock().jobs.clear();
        assert_eq!(queue.done(None, Duration::ZERO).len(), 1, "a job that came to nothing was the last one");
    }

    #[test]
    fn nobody_is_kept_where_one_more_job_would_take_too_long() {
        let queue = queue_of(40);
        let (usual, long) = (COMPANY / 5, COMPANY * 2);
        assert_eq!(one_is_done(&queue, usual), 0);
        queue.lock().kept.since = std::time::Instant::now().checked_sub(4 * usual);
        assert_eq!(one_is_done(&queue, usual), 2, "the next one would end after its time");
        assert_eq!(one_is_done(&queue, usual), 0, "these begin anew");
        assert_eq!(one_is_done(&queue, long), 2);
        assert_eq!(one_is_done(&queue, long), 1, "slow hashes are told at once");
    }

    #[tokio::test]
    async fn nobody_is_kept_behind_a_job_of_unknown_cost() {
        let pool = pool(1, FOREVER);
        let busy = busy(&pool).await;
        let (first, second) = (pool.clone(), pool.clone());
        let first = tokio::spawn(async move { first.run(Cost::Usual, |_| ()).await });
        while pool.queue.lock().jobs.is_empty() {
            yield_now().await;
        }
        // It ends only when the first one has been told.
        let (release, released) = mpsc::channel::<()>();
        let slow = move |_: &mut Memory| released.recv().is_ok();
        let second = tokio::spawn(async move { second.run(Cost::Unknown, slow).await });
        let _crowd = crowd(&pool, 3).await;
        drop(busy);
        let told = timeout(WAIT, first).await.expect("told before the other one ends");
        assert!(matches!(told, Ok(Ok(()))), "{told:?}");
        release.send(()).expect("the worker waits");
        assert!(matches!(second.await, Ok(Ok(true))));
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
            calls.spawn(async move { pool.run(Cost::Usual, work).await });
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
        assert!(matches!(pool.run(Cost::Usual, work).await, Err(PortError::Unavailable(_))));
        let after = pool.run(Cost::Usual, |memory| (memory.blocks(), hash(memory).is_ok())).await;
        assert!(matches!(after, Ok((0, true))), "new memory, and the worker lives");
        // If the panic kept a place, this would not end.
        while pool.places.available_permits() < 1 + QUEUED_PER_WORKER {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn dropping_the_pool_ends_its_threads_and_drops_what_they_had_to_do() {
        let pool = pool(2, FOREVER);
        let shared = Arc::downgrade(&pool.queue);
        pool.run(Cost::Usual, |_| ()).await.expect("served");
        drop(pool);
        assert!(shared.upgrade().is_none(), "no thread holds the queue any more");
    }
}
