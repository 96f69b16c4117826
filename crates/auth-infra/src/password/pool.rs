//! The threads that compute hashes, and their queues.
//!
//! There are two lanes, each with threads and a queue of its own. Hashes with the current parameters use the usual lane.
//! Stored hashes of other parameters or algorithms take an unknown time and use the lane of imported hashes. Its threads
//! are additional ones, so that a long hash, which cannot be interrupted, never occupies a worker of the usual lane. The
//! system divides the cores among the threads of both lanes.

use std::any::Any;
use std::io;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auth_domain::model::CounterKey;
use auth_domain::ports::PortError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::engine::Engine;
use super::fair_queue::{FairQueue, Ticket};
use super::memory::Memory;

/// Callers per worker that wait for their turn, in addition to the one that is served. The next 4 are sure to be served
/// soon, and 256 wait behind them. A worker with 10 ms per hash serves 200 callers within the 2 s that a caller waits; more would wait in
/// vain.
const CALLERS_PER_WORKER: usize = 4 + 256;
/// The maximum number of results that are delivered together, and the maximum delay of a result. The work after a hash
/// takes several times as long as by itself, presumably because the hash has evicted everything from the processor's
/// caches. Callers that continue together find what the first one fetched (measured in ADR 0005).
const MAX_BATCH: usize = 8;
const MAX_DELAY: Duration = Duration::from_millis(50);
/// Workers of the usual lane for each thread of the other one.
const WORKERS_PER_IMPORTED_THREAD: usize = 2;

/// Sends a result to its caller, if the caller still waits.
type Reply = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce(&mut Memory) -> Option<Reply> + Send>;
/// Whose turn it is: one client address or API key, or all callers without one.
type Share = Option<CounterKey>;

/// The lanes of a hasher.
pub(super) struct Pool {
    /// For hashes with the current parameters.
    pub(super) usual: Lane,
    /// For hashes of unknown cost.
    pub(super) imported: Lane,
}

impl Pool {
    /// Starts `workers` threads, each with its own engine that keeps `share` blocks, and half as many for imported hashes,
    /// but at least one. A caller waits for at most `wait` until its hash begins.
    pub(super) fn start(
        engine: Engine,
        workers: NonZero<usize>,
        share: usize,
        wait: Duration,
    ) -> io::Result<Self> {
        let imported = workers.get().div_ceil(WORKERS_PER_IMPORTED_THREAD);
        Ok(Self {
            usual: Lane::start("hash", workers.get(), wait, MAX_BATCH, || {
                Memory::new(engine, share, Arc::default())
            })?,
            imported: {
                // These threads keep no memory. Those that need any compute one at a time.
                let only_one = Arc::<Mutex<()>>::default();
                let memory = || Memory::new(engine, 0, Arc::clone(&only_one));
                // No result waits for the next job, which may take a second.
                Lane::start("hash-import", imported, wait, 1, memory)?
            },
        })
    }
}

/// Threads with a bounded queue, which callers share fairly. While more callers are queued than results are pending, and
/// hashes are quick, results are delivered in batches.
pub(super) struct Lane {
    wait: Duration,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Lane {
    fn start(
        name: &str,
        threads: usize,
        wait: Duration,
        max_batch: usize,
        memory: impl Fn() -> Memory,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(threads * CALLERS_PER_WORKER, max_batch));
        let mut lane = Self { wait, queue, threads: Vec::with_capacity(threads) };
        for number in 0..threads {
            let (queue, memory) = (Arc::clone(&lane.queue), memory());
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            lane.threads.push(thread.spawn(move || {
                lower_priority();
                queue.run_jobs(memory);
            })?);
        }
        Ok(lane)
    }

    pub(super) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Runs `work` on a thread of this lane, in the turn of `share`. If the caller is gone before its job starts, the job
    /// is dropped.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] if the queue is full or the turn does not come in time; [`PortError::Unavailable`] if the
    /// work panicked.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        share: Share,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<R, PortError> {
        let (sender, mut receiver) = oneshot::channel();
        let has_begun = Arc::new(AtomicBool::new(false));
        let begin = Arc::clone(&has_begun);
        let job: Job = Box::new(move |memory| {
            if sender.is_closed() {
                return None;
            }
            begin.store(true, Ordering::Relaxed);
            let result = work(memory);
            let reply: Reply = Box::new(move || {
                let _ = sender.send(result);
            });
            Some(reply)
        });
        let queued = self.queue.push(share, job).ok_or(PortError::Overloaded)?;
        let outcome = match timeout(self.wait, &mut receiver).await {
            Ok(outcome) => outcome,
            Err(_) if queued.cancel() => return Err(PortError::Overloaded),
            // The job runs, and a running job is not interrupted.
            Err(_) => receiver.await,
        };
        outcome.map_err(|_| {
            if has_begun.load(Ordering::Relaxed) {
                PortError::Unavailable("the worker panicked".into())
            } else {
                // Displaced by a caller with fewer jobs.
                PortError::Overloaded
            }
        })
    }
}

/// Ends the threads. Each finishes its current hash first. The queue is dropped, because its callers are gone.
impl Drop for Lane {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its jobs.
            let _ = thread.join();
        }
    }
}

/// A job in the queue. Dropping it, because the caller is gone, frees its room.
struct Queued<'a> {
    queue: &'a Queue,
    share: Share,
    ticket: Ticket,
}

impl Queued<'_> {
    /// Removes the job; `false` if it has begun or was displaced.
    fn cancel(&self) -> bool {
        let removed = self.queue.state.lock().jobs.remove(&self.share, self.ticket);
        // Dropped after the lock is released.
        removed.is_some()
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The jobs that wait for a worker.
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    jobs: FairQueue<Share, Job>,
    pending: PendingReplies,
    closed: bool,
}

/// Results that are delivered together with the next ones.
struct PendingReplies {
    replies: Vec<Reply>,
    /// When the first of them was computed.
    since: Option<Instant>,
    /// The maximum number of replies.
    max_batch: usize,
}

impl PendingReplies {
    fn add(&mut self, reply: Reply) {
        self.since.get_or_insert_with(Instant::now);
        self.replies.push(reply);
    }

    /// Whether to deliver now, if `queued` jobs wait and the next one takes `next`.
    fn is_due(&self, queued: usize, next: Duration) -> bool {
        queued <= self.replies.len()
            || self.replies.len() >= self.max_batch
            || self.since.is_some_and(|since| since.elapsed() + next > MAX_DELAY)
    }

    fn take(&mut self) -> Vec<Reply> {
        self.since = None;
        mem::take(&mut self.replies)
    }
}

impl Queue {
    fn new(capacity: usize, max_batch: usize) -> Self {
        let pending = PendingReplies { replies: Vec::new(), since: None, max_batch };
        let state = State { jobs: FairQueue::new(capacity), pending, closed: false };
        Self { state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Adds a job; `None` if there is no room.
    fn push(&self, share: Share, job: Job) -> Option<Queued<'_>> {
        let (ticket, displaced) = self.state.lock().jobs.push(share, job).ok()?;
        // Outside the lock, because dropping a job wakes its caller.
        drop(displaced);
        self.wake.notify_one();
        Some(Queued { queue: self, share, ticket })
    }

    fn close(&self) {
        let jobs = {
            let mut state = self.state.lock();
            state.closed = true;
            state.jobs.take_all()
        };
        // Outside the lock, because dropping a job wakes its caller.
        drop(jobs);
        self.wake.notify_all();
    }

    fn run_jobs(&self, mut memory: Memory) {
        while let Some(job) = self.next() {
            let begun = Instant::now();
            let reply = catch_unwind(AssertUnwindSafe(|| job(&mut memory))).unwrap_or_else(|panic| {
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
            if let Some(job) = state.jobs.pop() {
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
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Barrier, mpsc};

    use argon2::Params;
    use argon2::password_hash::phc::Salt;
    use tokio::task::{JoinSet, yield_now};
    use tokio::time::{Instant, advance, pause};

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

    fn key(number: u8) -> CounterKey {
        CounterKey::from_bytes([number; 32])
    }

    /// A hash within the share.
    fn hash(memory: &mut Memory) -> Result<Argon2Hash, HashingError> {
        let params = Params::new(8, 1, 1, None).expect("parameters");
        let params = Argon2Params::new(params, Salt::new(&[7; 16]).expect("a salt"));
        Argon2Hash::compute(params, b"password", memory)
    }

    /// Occupies a worker of a lane until it is dropped.
    struct BusyWorker {
        _release: mpsc::Sender<()>,
    }

    async fn occupy(pool: &Arc<Pool>, lane: fn(&Pool) -> &Lane) -> BusyWorker {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            let work = move |_: &mut Memory| {
                begun.send(()).expect("the test waits");
                let _ = released.recv();
            };
            lane(&pool).run(None, work).await
        });
        has_begun.await.expect("the worker has begun");
        BusyWorker { _release: release }
    }

    async fn occupy_worker(pool: &Arc<Pool>) -> BusyWorker {
        occupy(pool, |pool| &pool.usual).await
    }

    /// Starts calls of one share that all wait for an occupied worker.
    async fn enqueue(pool: &Arc<Pool>, share: Share, callers: usize) -> JoinSet<Result<(), PortError>> {
        let before = pool.usual.queue.state.lock().jobs.len();
        let mut calls = JoinSet::new();
        for _ in 0..callers {
            let pool = Arc::clone(pool);
            calls.spawn(async move { pool.usual.run(share, |_| ()).await });
        }
        while pool.usual.queue.state.lock().jobs.len() < before + callers {
            yield_now().await;
        }
        calls
    }

    /// Makes the call, and drops it as soon as it has to wait.
    async fn start_and_cancel(call: impl Future<Output = Result<(), PortError>>) {
        assert!(timeout(Duration::ZERO, call).await.is_err(), "the call has to wait");
    }

    #[tokio::test]
    async fn a_caller_whose_turn_does_not_come_gets_overloaded() {
        let pool = pool(1, WAIT);
        let _busy = occupy_worker(&pool).await;
        pause();
        let called = Instant::now();
        assert!(matches!(pool.usual.run(None, |_| ()).await, Err(PortError::Overloaded)));
        // The clock was stopped between two milliseconds, and timers have a resolution of one.
        assert!((WAIT..=WAIT + Duration::from_millis(1)).contains(&called.elapsed()));
        assert_eq!(pool.usual.queue.state.lock().jobs.len(), 0, "its room is free again");
    }

    #[tokio::test]
    async fn a_job_that_has_begun_is_not_given_up() {
        let pool = pool(1, LONG_WAIT);
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let work = move |_: &mut Memory| {
            begun.send(()).expect("the test waits");
            released.recv().is_ok()
        };
        let call = tokio::spawn(async move { pool.usual.run(None, work).await });
        has_begun.await.expect("the worker has begun");
        pause();
        advance(2 * LONG_WAIT).await;
        yield_now().await;
        release.send(()).expect("the worker waits");
        assert!(matches!(call.await, Ok(Ok(true))));
    }

    #[tokio::test]
    async fn too_many_waiting_callers_get_overloaded_at_once() {
        let pool = pool(1, WAIT);
        let _busy = occupy_worker(&pool).await;
        pause();
        let _queued = enqueue(&pool, None, CALLERS_PER_WORKER).await;
        let called = Instant::now();
        assert!(matches!(pool.usual.run(None, |_| ()).await, Err(PortError::Overloaded)));
        assert_eq!(called.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_share_that_fills_the_queue_gives_way_to_another() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let greedy = enqueue(&pool, Some(key(1)), CALLERS_PER_WORKER).await;
        let modest = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.usual.run(Some(key(2)), |_| ()).await })
        };
        yield_now().await;
        drop(busy);
        assert!(matches!(modest.await, Ok(Ok(()))));
        let outcomes = greedy.join_all().await;
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(PortError::Overloaded)));
        assert_eq!((refused.count(), outcomes.len()), (1, CALLERS_PER_WORKER));
    }

    #[tokio::test]
    async fn shares_take_turns_in_the_queue() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut calls = JoinSet::new();
        for number in [1, 1, 1, 1, 2, 2, 3] {
            let (pool, served) = (Arc::clone(&pool), Arc::clone(&served));
            calls.spawn(async move {
                pool.usual.run(Some(key(number)), move |_| served.lock().push(number)).await
            });
            yield_now().await;
        }
        drop(busy);
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        assert_eq!(*served.lock(), [1, 2, 3, 1, 2, 1, 1]);
    }

    #[tokio::test]
    async fn cancelled_jobs_are_dropped() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy_worker(&pool).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = || {
            let done = Arc::clone(&done);
            move |_: &mut Memory| {
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        for _ in 0..1_000 {
            start_and_cancel(pool.usual.run(None, count())).await;
        }
        assert_eq!(pool.usual.queue.state.lock().jobs.len(), 0);
        drop(busy);
        pool.usual.run(None, count()).await.expect("served");
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_imported_hash_never_occupies_the_last_worker() {
        for workers in [1, 2, 5] {
            let pool = pool(workers, LONG_WAIT);
            let mut busy = Vec::new();
            for _ in 0..pool.imported.threads() {
                busy.push(occupy(&pool, |pool| &pool.imported).await);
            }
            assert_eq!(pool.imported.threads(), workers.div_ceil(2));
            // Each of the jobs waits for the others: all workers of the usual lane are free.
            let meeting = Arc::new(Barrier::new(workers));
            let mut calls = JoinSet::new();
            for _ in 0..workers {
                let (pool, meeting) = (Arc::clone(&pool), Arc::clone(&meeting));
                calls.spawn(async move { pool.usual.run(None, move |_| meeting.wait().is_leader()).await });
            }
            assert!(calls.join_all().await.iter().all(Result::is_ok));
        }
    }

    #[tokio::test]
    async fn imported_hashes_are_verified_while_the_workers_are_busy() {
        let pool = pool(1, LONG_WAIT);
        let _busy = occupy_worker(&pool).await;
        pool.imported.run(None, |_| ()).await.expect("served");
    }

    fn queue_of(jobs: usize) -> Queue {
        let queue = Queue::new(jobs + 1, MAX_BATCH);
        for _ in 0..jobs {
            assert!(queue.state.lock().jobs.push(None, Box::new(|_| None)).is_ok());
        }
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
                queue.state.lock().jobs.pop();
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
        queue.state.lock().jobs.take_all();
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
    async fn no_result_waits_for_an_imported_hash() {
        let pool = pool(1, LONG_WAIT);
        let busy = occupy(&pool, |pool| &pool.imported).await;
        let call = |work: Box<dyn FnOnce() + Send>| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.imported.run(None, move |_| work()).await })
        };
        let first = call(Box::new(|| ()));
        yield_now().await;
        // The second job ends only after the first result is delivered.
        let (release, released) = mpsc::channel::<()>();
        let second = call(Box::new(move || released.recv().expect("released")));
        let _others = [call(Box::new(|| ())), call(Box::new(|| ()))];
        drop(busy);
        let delivered = timeout(WAIT, first).await.expect("delivered before the other one ends");
        assert!(matches!(delivered, Ok(Ok(()))), "{delivered:?}");
        release.send(()).expect("the worker waits");
        assert!(matches!(second.await, Ok(Ok(()))));
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
            calls.spawn(async move { pool.usual.run(None, work).await });
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
        assert!(matches!(pool.usual.run(None, work).await, Err(PortError::Unavailable(_))));
        let after = pool.usual.run(None, |memory| (memory.blocks(), hash(memory).is_ok())).await;
        assert!(matches!(after, Ok((0, true))), "new memory, and the worker lives");
    }

    #[tokio::test]
    async fn dropping_the_pool_ends_its_threads_and_drops_its_queue() {
        let pool = pool(2, LONG_WAIT);
        let shared = [&pool.usual, &pool.imported].map(|lane| Arc::downgrade(&lane.queue));
        pool.usual.run(None, |_| ()).await.expect("served");
        drop(pool);
        assert!(shared.iter().all(|queue| queue.upgrade().is_none()), "no thread holds a queue any more");
    }
}
