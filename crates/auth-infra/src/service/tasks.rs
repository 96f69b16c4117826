//! The background tasks of a service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::supervisor::{StoppedTasks, supervise};

/// How long [`Tasks::join`] waits for one task. The store is closed by then, so each call of a task fails at once.
const JOIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Supervised tasks that run until they are stopped together.
#[derive(Default)]
pub(super) struct Tasks {
    stop: watch::Sender<bool>,
    stopped: StoppedTasks,
    running: Mutex<Vec<(JoinHandle<()>, Slot)>>,
}

/// Tells a task when it has to end.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

/// The future of a task, until it is cancelled.
#[derive(Clone)]
struct Slot(Arc<Mutex<Option<BoxFuture<'static, ()>>>>);

/// Polls the future of a slot.
struct InSlot(Slot);

impl Tasks {
    /// Starts a task on the current runtime.
    pub(super) fn spawn<F>(&self, name: &'static str, run: impl Fn(Stop) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = Stop(self.stop.subscribe());
        let needed = stop.clone();
        let run = move || run(stop.clone());
        let task = supervise(name, self.stopped.clone(), move || !needed.is_requested(), run);
        let slot = Slot(Arc::new(Mutex::new(Some(Box::pin(task)))));
        self.running.lock().push((tokio::spawn(InSlot(slot.clone())), slot));
    }

    /// The tasks that should run and do not.
    pub(super) fn stopped(&self) -> &StoppedTasks {
        &self.stopped
    }

    /// Tells all tasks to end. Each one ends after its current step.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end of all tasks. One that takes too long is cancelled.
    pub(super) async fn join(&self) {
        let running = std::mem::take(&mut *self.running.lock());
        for (mut handle, _) in running {
            if timeout(JOIN_TIMEOUT, &mut handle).await.is_err() {
                handle.abort();
            }
        }
    }

    /// Stops all tasks and releases what they hold, such as a connection with a transaction. This happens at once, even if the
    /// thread of their runtime is blocked.
    pub(super) fn cancel(&self) {
        self.stop();
        for (handle, slot) in self.running.lock().drain(..) {
            slot.clear();
            handle.abort();
        }
    }
}

impl Slot {
    fn clear(&self) {
        let task = self.0.lock().take();
        // Dropped after the lock is released.
        drop(task);
    }
}

impl Future for InSlot {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.0.lock().as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(context))
    }
}

impl Drop for InSlot {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Stop {
    pub(super) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the task has to end.
    pub(super) async fn requested(&self) {
        // An error means that the sender was dropped, and the service with it.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Waits for `pause`, and returns whether the task goes on.
    pub(super) async fn pause(&self, pause: Duration) -> bool {
        timeout(pause, self.requested()).await.is_err()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stopped_tasks_end_within_a_second() {
        let tasks = Tasks::default();
        let ends = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&ends);
        tasks.spawn("stops", move |stop| {
            let noted = Arc::clone(&noted);
            async move {
                while stop.pause(Duration::from_secs(3_600)).await {}
                noted.lock().push("stops");
            }
        });
        tasks.spawn("hangs", |_| pending());
        tokio::task::yield_now().await;
        tasks.stop();
        timeout(JOIN_TIMEOUT + Duration::from_millis(10), tasks.join()).await.expect("they end in time");
        assert_eq!(*ends.lock(), ["stops"]);
    }

    #[tokio::test]
    async fn cancelled_tasks_release_what_they_hold_on_a_blocked_thread() {
        let (tasks, held) = (Tasks::default(), Arc::new(()));
        let resource = Arc::clone(&held);
        tasks.spawn("holds", move |_| {
            let resource = Arc::clone(&resource);
            async move {
                pending::<()>().await;
                drop(resource);
            }
        });
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 3, "the test, the task and its current run");
        tasks.cancel();
        assert_eq!(Arc::strong_count(&held), 1, "this thread has run nothing else in between");
    }
}
