//! Concurrent calls: one thread for each call, two of which start at the same moment.
//!
//! Calls that are joined in one task overlap only where they await. An adapter over a mutex or a synchronous database never
//! awaits, so its races would not occur.
#![expect(
    clippy::disallowed_methods,
    reason = "races need threads, and the number of rounds depends on time"
)]
#![expect(clippy::disallowed_types, reason = "the number of rounds depends on time")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::hint;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::CaseFuture;

/// Runs a future to its end on the current thread.
pub(super) type BlockOn = Arc<dyn Fn(CaseFuture<'_>) + Send + Sync>;

thread_local! {
    /// How the threads of the running case run their calls.
    static BLOCK_ON: RefCell<Option<BlockOn>> = const { RefCell::new(None) };
    /// How often this thread has made concurrent calls.
    static TURN: Cell<usize> = const { Cell::new(0) };
}

/// Calls `poll`. Threads that [`concurrently`] starts in the meantime run their calls with `block_on`.
pub(super) fn with_threads_of<T>(block_on: &BlockOn, poll: impl FnOnce() -> T) -> T {
    struct Restore(Option<BlockOn>);
    impl Drop for Restore {
        fn drop(&mut self) {
            BLOCK_ON.set(self.0.take());
        }
    }
    let _restore = Restore(BLOCK_ON.replace(Some(Arc::clone(block_on))));
    poll()
}

/// Runs a future to its end on the current thread, without a runtime.
pub(super) fn park_until_ready(future: CaseFuture<'_>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending {
        thread::park();
    }
}

/// Makes all calls at the same time and returns their results in the order of the calls.
///
/// Each call has its own thread. Every second time all calls share one thread and one task, in which they alternate wherever
/// they await. In this way an asynchronous adapter loses races that it rarely loses on threads.
///
/// # Panics
/// When one of the calls panics.
pub(super) fn concurrently<T: Send>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send>,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().collect();
    let turn = TURN.replace(TURN.get().wrapping_add(1));
    if turn % 2 == 1 {
        return on_threads([join_all(calls, turn / 2)]).pop().expect("the results of the one thread");
    }
    let start = StartLine::for_threads(calls.len());
    let start = &start;
    on_threads(calls.into_iter().map(|call| async move {
        start.wait();
        call.await
    }))
}

/// Blocks the thread of a call until the other calls have most likely begun.
pub(super) fn let_others_begin() {
    thread::sleep(Duration::from_millis(50));
}

/// Runs each future on a thread of its own.
fn on_threads<T: Send>(futures: impl IntoIterator<Item = impl Future<Output = T> + Send>) -> Vec<T> {
    let block_on = BLOCK_ON.with_borrow(Option::clone);
    let run = |future| {
        let mut result = None;
        let future = Box::pin(async { result = Some(future.await) });
        match &block_on {
            Some(block_on) => block_on(future),
            None => park_until_ready(future),
        }
        result.expect("the future has run to its end")
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = futures.into_iter().map(|future| scope.spawn(move || run(future))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Polls all calls in one task, beginning with the one at `first`, and returns their results in the order of the calls.
async fn join_all<T: Send>(calls: Vec<impl Future<Output = T> + Send>, first: usize) -> Vec<T> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (Box::pin(call), None)).collect();
    let count = calls.len();
    poll_fn(|context| {
        for index in 0..count {
            let (call, result) = &mut calls[(first + index) % count];
            if result.is_none()
                && let Poll::Ready(ready) = call.as_mut().poll(context)
            {
                *result = Some(ready);
            }
        }
        if calls.iter().all(|(_, result)| result.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    calls.into_iter().filter_map(|(_, result)| result).collect()
}

/// Makes two calls at the same time and returns both results.
pub(super) fn both<A: Send, B: Send>(
    one: impl Future<Output = A> + Send,
    other: impl Future<Output = B> + Send,
) -> (A, B) {
    let (mut first, mut second) = (None, None);
    {
        let one: CaseFuture<'_> = Box::pin(async { first = Some(one.await) });
        let other: CaseFuture<'_> = Box::pin(async { second = Some(other.await) });
        concurrently([one, other]);
    }
    (first.expect("the first result"), second.expect("the second result"))
}

/// Lets threads go on together, two by two.
///
/// The barrier wakes its threads one after the other, and a fast call ends before the next thread is awake. So a thread that
/// is awake waits for one more, on its own processor, and both go on at one point in time. A thread goes on alone when no other
/// one comes, because there is only one processor or the others are busy.
struct StartLine {
    barrier: Barrier,
    awake: AtomicUsize,
    built: Instant,
    /// When each pair goes on, in nanoseconds after `built`. 0 while its second thread is missing.
    go_on: Vec<AtomicU64>,
}

impl StartLine {
    /// How long a thread waits for the second one of its pair.
    const PARTNER_TIMEOUT: Duration = Duration::from_micros(200);
    /// How long it takes at most until both threads see that they are two, in nanoseconds.
    const NOTICE: u64 = 2_000;

    fn for_threads(count: usize) -> Self {
        let go_on = (0..count.div_ceil(2)).map(|_| AtomicU64::new(0)).collect();
        Self { barrier: Barrier::new(count), awake: AtomicUsize::new(0), built: Instant::now(), go_on }
    }

    fn wait(&self) {
        self.barrier.wait();
        let position = self.awake.fetch_add(1, Ordering::Relaxed);
        let go_on = &self.go_on[position / 2];
        if position % 2 == 1 {
            go_on.store(self.nanos() + Self::NOTICE, Ordering::Release);
        }
        let awake_at = Instant::now();
        while go_on.load(Ordering::Acquire) == 0 && awake_at.elapsed() < Self::PARTNER_TIMEOUT {
            hint::spin_loop();
        }
        while self.nanos() < go_on.load(Ordering::Acquire) {
            hint::spin_loop();
        }
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.built.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The rounds of a race. Faulty adapters lose a race at a few of its interleavings only, and the faster an adapter is, the
/// fewer of its calls overlap. A race is therefore repeated at least 20 times, and for a tenth of a second.
pub(super) fn rounds() -> impl Iterator<Item = usize> + Send {
    const AT_LEAST: usize = 20;
    const AT_MOST: usize = 1_000;
    const DURATION: Duration = Duration::from_millis(100);
    let started = Instant::now();
    (0..AT_MOST).take_while(move |round| *round < AT_LEAST || started.elapsed() < DURATION)
}

#[cfg(test)]
mod tests {
    use std::future::Ready;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_calls() {
        for _ in 0..4 {
            assert_eq!(concurrently((0..50).map(|index| async move { index })), (0..50).collect::<Vec<_>>());
            assert_eq!(both(async { 1 }, async { "two" }), (1, "two"));
        }
        assert_eq!(concurrently(Vec::<Ready<()>>::new()), []);
    }

    #[test]
    fn calls_that_never_await_overlap() {
        let stored = Mutex::new(0_u32);
        let increment = || async {
            let read = *stored.lock().expect("no panic");
            thread::yield_now();
            *stored.lock().expect("no panic") = read + 1;
        };
        let mut calls = 0;
        for _ in rounds() {
            concurrently((0..8).map(|_| increment()));
            calls += 8;
        }
        assert!(*stored.lock().expect("no panic") < calls, "an increment is lost");
    }

    #[test]
    fn panic_of_a_call_is_passed_on() {
        let panicked = std::panic::catch_unwind(|| both(async { panic!("expected") }, async {}));
        let message = panicked.expect_err("a panic").downcast_ref::<&str>().copied();
        assert_eq!(message, Some("expected"));
    }
}
