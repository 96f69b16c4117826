//! Supervision of background tasks: a task that panics or ends by mistake is logged, reported and started again.

use std::any::Any;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;

/// The pause before a task starts again. A task that panics at once must not use a whole core.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// The tasks that should run and do not. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoppedTasks(Arc<Mutex<BTreeSet<&'static str>>>);

impl StoppedTasks {
    /// The name of one of them.
    #[cfg(all(feature = "service", any(feature = "postgres", feature = "sqlite")))]
    pub(crate) fn first(&self) -> Option<&'static str> {
        self.0.lock().first().copied()
    }
}

/// Runs a task for as long as it is `needed`. The future that `run` returns ends only when the task is not needed any more.
/// If it ends earlier or panics, that is logged, and a new one starts after [`RESTART_PAUSE`].
pub(crate) async fn supervise<F: Future<Output = ()>>(
    name: &'static str,
    stopped: StoppedTasks,
    needed: impl Fn() -> bool,
    run: impl Fn() -> F,
) {
    let _watch = Watch { name, stopped: &stopped, needed: &needed };
    loop {
        let ended = catch_panic(run()).await;
        if !needed() {
            return;
        }
        stopped.0.lock().insert(name);
        // The message of the panic may contain any value, a secret too.
        let how = if ended.is_err() { "panicked" } else { "ended" };
        tracing::error!(task = name, "a background task has {how}: it starts again in a second");
        sleep(RESTART_PAUSE).await;
        stopped.0.lock().remove(name);
    }
}

/// Notices when a task that is needed is dropped, because its runtime has ended.
struct Watch<'a, N: Fn() -> bool> {
    name: &'static str,
    stopped: &'a StoppedTasks,
    needed: &'a N,
}

impl<N: Fn() -> bool> Drop for Watch<'_, N> {
    fn drop(&mut self) {
        if (self.needed)() {
            self.stopped.0.lock().insert(self.name);
            tracing::error!(task = self.name, "a background task has ended, because its runtime has ended");
        }
    }
}

/// Runs a future to its end or to its panic.
async fn catch_panic(run: impl Future<Output = ()>) -> Result<(), Box<dyn Any + Send>> {
    let mut run = pin!(run);
    // The future is not polled again after a panic, so its broken state is not visible. What it shares with others is behind
    // locks that do not poison.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn task_that_panics_or_ends_starts_again() {
        let (runs, stopped) = (Arc::new(AtomicU32::new(0)), StoppedTasks::default());
        let counted = Arc::clone(&runs);
        let run = move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match number {
                    0 => panic!("by intention"),
                    1 => {}
                    _ => pending().await,
                }
            }
        };
        tokio::spawn(supervise("a task", stopped.clone(), || true, run));
        for started in [1, 2] {
            yield_now().await;
            assert_eq!(runs.load(Ordering::Relaxed), started);
            assert_eq!(stopped.0.lock().first(), Some(&"a task"), "it is not running during the pause");
            sleep(RESTART_PAUSE + Duration::from_millis(1)).await;
        }
        assert_eq!(runs.load(Ordering::Relaxed), 3);
        assert_eq!(stopped.0.lock().first(), None, "it runs");
    }

    #[tokio::test]
    async fn task_that_is_not_needed_any_more_ends() {
        let stopped = StoppedTasks::default();
        supervise("a task", stopped.clone(), || false, || async {}).await;
        supervise("a task", stopped.clone(), || false, || async { panic!("by intention") }).await;
        assert!(stopped.0.lock().is_empty());
    }

    #[test]
    fn end_of_the_runtime_is_noticed_while_the_task_is_needed() {
        for is_needed in [true, false] {
            let (stopped, needed) = (StoppedTasks::default(), Arc::new(AtomicBool::new(true)));
            let runtime = Builder::new_current_thread().build().expect("a runtime");
            let flag = Arc::clone(&needed);
            let task = supervise("a task", stopped.clone(), move || flag.load(Ordering::Relaxed), pending);
            runtime.block_on(async {
                tokio::spawn(task);
                yield_now().await;
            });
            needed.store(is_needed, Ordering::Relaxed);
            drop(runtime);
            assert_eq!(stopped.0.lock().contains("a task"), is_needed);
        }
    }
}
