//! The threads that compute hashes, and their queue.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auth_domain::ports::PortError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::engine::Engine;
use super::memory::Memory;

/// Queued jobs per worker, in addition to the one it computes.
const QUEUED_PER_WORKER: usize = 4;
/// Callers per worker that wait for room in the queue. A worker with 10 ms per hash serves 200 callers within the 2 s that
/// a caller waits; more would wait in vain.
const WAITING_PER_WORKER: usize = 256;
/// The maximum number of results that are delivered together, and the maximum delay of a result. The work after a hash
/// takes several times as long as by itself, presumably because the hash has evicted everything from the processor's
/// caches. Callers that continue together find what the first one fetched (measured in ADR 0005).
const MAX_BATCH: usize = 8;
const MAX_DELAY: Duration = Duration::from_millis(50);

/// Sends a result to its caller, if the caller still waits.
type Reply = Box<dyn FnOnce() + Send>;
type Work = Box<dyn FnOnce(&mut Memory) -> Option<Reply> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// A hash with the current parameters, as nearly all are.
    Usual,
    /// Perhaps much longer: an imported hash.
    Unknown,
}

struct Job {
    cost: Cost,
    work: Work,
}

/// A pool of threads with a bounded queue, in order of arrival. While more callers are queued than results are pending,
/// and hashes are quick, results are delivered in batches. No result waits for a job of unknown cost.
pub(super) struct Pool {
    /// One permit for each job that is queued or running.
    permits: Arc<Semaphore>,
    /// One permit for each caller that waits for room in the queue.
    waiting: Semaphore,
    wait: Duration,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `workers` threads, each with its own engine that keeps `share` blocks.
    pub(super) fn start(
        engine: Engine,
        workers: NonZero<usize>,
        share: usize,
        wait: Duration,
    ) -> io::Result<Self> {
        let workers = workers.get();
        let mut pool = Self {
            permits: Arc::new(Semaphore::new(workers * (1 + QUEUED_PER_WORKER))),
            waiting: Semaphore::new(workers * WAITING_PER_WORKER),
            wait,
            queue: Arc::default(),
            threads: Vec::with_capacity(workers),
        };
        let oversize_lock = Arc::<Mutex<()>>::default();
        for number in 0..workers {
            let queue = Arc::clone(&pool.queue);
            let memory = Memory::new(engine, share, Arc::clone(&oversize_lock));
            let thread = thread::Builder::new().name(format!("hash-{number}"));
            pool.threads.push(thread.spawn(move || {
                lower_priority();
                queue.run_jobs(memory);
            })?);
        }
        Ok(pool)
    }

    pub(super) fn workers(&self) -> usize {
        self.threads.len()
    }

    /// Runs `work` on a worker. If the caller is gone before its job starts, the job is skipped.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] if the queue has no room in time; [`PortError::Unavailable`] if the work panicked.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        cost: Cost,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<R, PortError> {
        let permit = self.acquire_permit().await?;
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |memory| {
            // The permit belongs to the job and not to the caller. Otherwise callers that come and go would fill the queue.
            let _permit = permit;
            if sender.is_closed() {
                return None;
            }
            let result = work(memory);
            let reply: Reply = Box::new(move || {
                let _ = sender.send(result);
            });
            Some(reply)
        });
        self.queue.push(Job { cost, work });
        receiver.await.map_err(|_| PortError::Unavailable("the worker panicked".into()))
    }

    async fn acquire_permit(&self) -> Result<OwnedSemaphorePermit, PortError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| PortError::Overloaded)?;
        match timeout(self.wait, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so only the timeout remains.
            Ok(Err(_)) | Err(_) => Err(PortError::Overloaded),
        }
    }
}

/// Ends the threads. Each finishes its current hash first. The queue is dropped, because its callers are gone.
impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its jobs.
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
    pending: PendingReplies,
    closed: bool,
}

/// Results that are delivered together with the next ones.
#[derive(Default)]
struct PendingReplies {
    replies: Vec<Reply>,
    /// When the first of them was computed.
    since: Option<Instant>,
}

impl PendingReplies {
    fn add(&mut self, reply: Reply) {
        self.since.get_or_insert_with(Instant::now);
        self.replies.push(reply);
    }

    /// Whether to deliver now, if `queued` jobs wait and the next one takes `next`.
    fn is_due(&self, queued: usize, next: Duration) -> bool {
        queued <= self.replies.len()
            || self.replies.len() >= MAX_BATCH
            || self.since.is_some_and(|since| since.elapsed() + next > MAX_DELAY)
    }

    fn take(&mut self) -> Vec<Reply> {
        mem::take(self).replies
    }
}

impl Queue {
    fn push(&self, job: Job) {
        self.state.lock().jobs.push_back(job);
        self.wake.notify_one();
    }

    fn close(&self) {
        let jobs = {
            let mut state = self.state.lock();
            state.closed = true;
            mem::take(&mut state.jobs)
        };
        // Outside the lock, because dropping a job wakes its caller.
        drop(jobs);
        self.wake.notify_all();
    }

    fn run_jobs(&self, mut memory: Memory) {
        while let Some(Job { cost, work }) = self.next() {
            if cost == Cost::Unknown {
                // Its own statement, so that the lock is released before the callers are woken.
                let pending = self.state.lock().pending.take();
                deliver(pending);
            }
            let begun = Instant::now();
            let reply = catch_unwind(AssertUnwindSafe(|| work(&mut memory))).unwrap_or_else(|panic| {
                tracing::error!(panic = describe(&*panic), "a worker panicked during a password hash");
                memory.release();
                None
            });
            deliver(self.done(reply, begun.elapsed()));
        }
    }

    /// Adds the result of a job that took `took`, and returns the results to deliver now.
    fn done(&self, reply: Option<Reply>, took: Duration) -> Vec<Reply> {
        let mut state = self.state.lock();
        if let Some(reply) = reply {
            state.pending.add(reply);
        }
        if state.pending.is_due(state.jobs.len(), took) { state.pending.take() } else { Vec::new() }
    }

    /// Waits for the next job; `None` if the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            self.wake.wait(&mut state);
        }
    }
}

fn deliver(replies: Vec<Reply>) {
    for reply in replies {
        // Waking a task runs code of the caller's runtime, whose panic must not end the worker.
        let _ = catch_unwind(AssertUnwindSafe(reply));
    }
}

fn describe(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Lets the threads that serve requests run first: they need a core for microseconds, this one for milliseconds. The nice
/// value belongs to this thread only (sched(7), "The nice value"). Failure is ignored, because it costs latency only.
fn lower_priority() {
    const NICE_INCREMENT: i32 = 10;
    let _ = rustix::process::nice(NICE_INCREMENT);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use argon2::Params;
    use argon2::password_hash::phc::Salt;
    use tokio::task::{JoinSet, yield_now};
    use tokio::time::Instant;

    use super::super::argon2_hash::Argon2Hash;
    use super::super::error::HashingError;
    use super::super::params::Argon2Params;
    use super::*;

    const WAIT: Duration = Duration::from_secs(2);
    const LONG_WAIT: Duration = Duration::from_secs(3_600);

    fn pool(workers: usize, wait: Duration) -> Arc<Pool> {
        let workers = NonZero::new(workers).expect("workers");
        Arc::new(Pool::start(Engine::Simd, workers, 8, wait).expect("threads"))
    }

    /// A hash within the share.
    fn hash(memory: &mut Memory) -> Result<Argon2Hash, HashingError> {
        let params = Params::new(8, 1, 1, None).expect("parameters");
        let params = Argon2Params::new(params, Salt::new(&[7; 16]).expect("a salt"));
        Argon2Hash::compute(params, b"password", memory)
    }

    /// Occupies the one worker of a pool until it is dropped.
    struct BusyWorker {
        _release: mpsc::Sender<()>,
    }

    async fn occupy_worker(pool: &Arc<Pool>) -> BusyWorker {
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
        BusyWorker { _release: release }
    }

    /// Starts calls that all wait for an occupied worker: in the queue while it has room, then for room.
    async fn enqueue(pool: &Arc<Pool>, callers: usize) -> JoinSet<Result<(), PortError>> {
        let mut calls = JoinSet::new();
        for _ in 0..callers {
            let pool = Arc::clone(pool);
            calls.spawn(async move { pool.run(Cost::Usual, |_| ()).await });
        }
        while pool.queue.state.lock().jobs.len() + WAITING_PER_WORKER - pool.waiting.available_permits()
            < callers
        {
            yield_now().await;
        }
        calls
    }

    /// Makes the call, and drops it as soon as it has to wait.
    async fn start_and_cancel(call: impl Future<Output = Result<(), PortError>>) {
        assert!(timeout(Duration::ZERO, call).await.is_err(), "the call has to wait");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_without_room_in_time_gets_overloaded() {
        let pool = pool(1, WAIT);
        let _busy = occupy_worker(&pool).await;
        let _queue = enqueue(&pool, QUEUED_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.run(Cost::Usual, |_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_waiting_callers_get_overloaded_at_once() {
        let pool = pool(1, WAIT);
        let _busy = occupy_worker(&pool).await;
        let _queued = enqueue(&pool, QUEUED_PER_WORKER + WAITING_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.run(Cost::Usual, |_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn waiting_callers_are_served_when_there_is_room() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let calls = enqueue(&pool, QUEUED_PER_WORKER + 20).await;
        drop(busy);
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn callers_are_served_in_order_of_arrival() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut calls = JoinSet::new();
        for number in 0..3 * QUEUED_PER_WORKER {
            let (pool, served) = (Arc::clone(&pool), Arc::clone(&served));
            calls.spawn(async move { pool.run(Cost::Usual, move |_| served.lock().push(number)).await });
            yield_now().await;
        }
        drop(busy);
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        assert!(served.lock().is_sorted());
    }

    #[tokio::test]
    async fn cancelled_jobs_are_skipped() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = || {
            let done = Arc::clone(&done);
            move |_: &mut Memory| {
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        start_and_cancel(pool.run(Cost::Usual, count())).await;
        start_and_cancel(pool.run(Cost::Usual, count())).await;
        drop(busy);
        pool.run(Cost::Usual, count()).await.expect("served");
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_callers_do_not_lengthen_the_queue() {
        let pool = pool(1, WAIT);
        let _busy = occupy_worker(&pool).await;
        for _ in 0..1_000 {
            start_and_cancel(pool.run(Cost::Usual, |_| ())).await;
        }
        assert_eq!(pool.queue.state.lock().jobs.len(), QUEUED_PER_WORKER);
    }

    fn nothing() -> Job {
        Job { cost: Cost::Usual, work: Box::new(|_| None) }
    }

    fn queue_of(jobs: usize) -> Queue {
        let queue = Queue::default();
        queue.state.lock().jobs.extend((0..jobs).map(|_| nothing()));
        queue
    }

    fn finish_one(queue: &Queue, took: Duration) -> usize {
        queue.done(Some(Box::new(|| ())), took).len()
    }

    #[test]
    fn results_are_batched_while_more_jobs_are_queued() {
        /// The number of replies after each job, with `jobs` queued at first and none added.
        fn delivered(jobs: usize) -> Vec<usize> {
            let queue = queue_of(jobs);
            let one = |_| {
                let delivered = finish_one(&queue, Duration::ZERO);
                queue.state.lock().jobs.pop_front();
                delivered
            };
            (0..=jobs).map(one).collect()
        }
        assert_eq!(delivered(0), [1], "a single result is never delayed");
        assert_eq!(delivered(1), [1, 1]);
        assert_eq!(delivered(4), [0, 0, 3, 1, 1]);
        assert_eq!(delivered(40)[..16], [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8]);
    }

    #[test]
    fn a_pending_result_is_delivered_when_the_queue_is_empty() {
        let queue = queue_of(3);
        assert_eq!(finish_one(&queue, Duration::ZERO), 0);
        queue.state.lock().jobs.clear();
        assert_eq!(queue.done(None, Duration::ZERO).len(), 1, "a skipped job was the last one");
    }

    #[test]
    fn no_result_waits_longer_than_the_maximum_delay() {
        let queue = queue_of(40);
        let (usual, long) = (MAX_DELAY / 5, MAX_DELAY * 2);
        assert_eq!(finish_one(&queue, usual), 0);
        queue.state.lock().pending.since = std::time::Instant::now().checked_sub(4 * usual);
        assert_eq!(finish_one(&queue, usual), 2, "the next one would end after its time");
        assert_eq!(finish_one(&queue, usual), 0, "a new batch begins");
        assert_eq!(finish_one(&queue, long), 2);
        assert_eq!(finish_one(&queue, long), 1, "slow hashes are delivered at once");
    }

    #[tokio::test]
    async fn no_result_waits_for_a_job_of_unknown_cost() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let (first, second) = (pool.clone(), pool.clone());
        let first = tokio::spawn(async move { first.run(Cost::Usual, |_| ()).await });
        while pool.queue.state.lock().jobs.is_empty() {
            yield_now().await;
        }
        // The second job ends only after the first result is delivered.
        let (release, released) = mpsc::channel::<()>();
        let slow = move |_: &mut Memory| released.recv().is_ok();
        let second = tokio::spawn(async move { second.run(Cost::Unknown, slow).await });
        let _queued = enqueue(&pool, 3).await;
        drop(busy);
        let delivered = timeout(WAIT, first).await.expect("delivered before the other one ends");
        assert!(matches!(delivered, Ok(Ok(()))), "{delivered:?}");
        release.send(()).expect("the worker waits");
        assert!(matches!(second.await, Ok(Ok(true))));
    }

    #[tokio::test]
    async fn concurrent_jobs_are_limited_to_the_workers() {
        const WORKERS: usize = 3;
        let pool = pool(WORKERS, LONG_WAIT);
        let (running, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // Each of three jobs waits for two others at work: with fewer workers this would never end.
        let meeting = Arc::new(Barrier::new(WORKERS));
        let mut calls = JoinSet::new();
        for _ in 0..20 * WORKERS {
            let (pool, meeting) = (Arc::clone(&pool), Arc::clone(&meeting));
            let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
            let work = move |_: &mut Memory| {
                highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                meeting.wait();
                running.fetch_sub(1, Ordering::SeqCst);
            };
            calls.spawn(async move { pool.run(Cost::Usual, work).await });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        assert_eq!(highest.load(Ordering::SeqCst), WORKERS);
    }

    #[tokio::test]
    async fn a_panic_fails_its_own_caller_only() {
        let pool = pool(1, LONG_WAIT);
        let work = |memory: &mut Memory| {
            hash(memory).expect("a hash");
            assert_eq!(memory.blocks(), 0, "on purpose");
        };
        assert!(matches!(pool.run(Cost::Usual, work).await, Err(PortError::Unavailable(_))));
        let after = pool.run(Cost::Usual, |memory| (memory.blocks(), hash(memory).is_ok())).await;
        assert!(matches!(after, Ok((0, true))), "new memory, and the worker lives");
        // If the panic pending a permit, this would not end.
        while pool.permits.available_permits() < 1 + QUEUED_PER_WORKER {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn dropping_the_pool_ends_its_threads_and_drops_its_queue() {
        let pool = pool(2, LONG_WAIT);
        let shared = Arc::downgrade(&pool.queue);
        pool.run(Cost::Usual, |_| ()).await.expect("served");
        drop(pool);
        assert!(shared.upgrade().is_none(), "no thread holds the queue any more");
    }
}
