//! The task that stores events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_domain::model::AuditEvent;
use auth_domain::ports::{AuditRepository, PortError};
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The maximum number of events in one transaction.
const MAX_BATCH: usize = 500;
/// How long the first event of a batch waits for others.
const BATCH_WINDOW: Duration = Duration::from_millis(50);
/// The delay before an unavailable store is tried again: initial and maximum.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

#[derive(Default)]
pub(super) struct Counts {
    /// Events in the queue or in the current batch.
    pub(super) waiting: AtomicU64,
    /// Events that found no room or that the store refused, since the last report.
    pub(super) dropped: AtomicU64,
}

impl Counts {
    pub(super) fn report_dropped(&self) {
        let events = self.dropped.swap(0, Ordering::Relaxed);
        if events > 0 {
            tracing::warn!(events, "audit events were not stored: the store is unavailable or too slow");
        }
    }
}

pub(super) struct Writer {
    repository: Arc<dyn AuditRepository>,
    queue: Receiver<AuditEvent>,
    counts: Arc<Counts>,
    is_closing: watch::Receiver<bool>,
}

impl Writer {
    pub(super) fn new(
        repository: Arc<dyn AuditRepository>,
        queue: Receiver<AuditEvent>,
        counts: Arc<Counts>,
        is_closing: watch::Receiver<bool>,
    ) -> Self {
        Self { repository, queue, counts, is_closing }
    }

    /// Stores events until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while self.collect(&mut batch).await {
            self.store(&batch).await;
            self.counts.waiting.fetch_sub(batch.len() as u64, Ordering::Relaxed);
            batch.clear();
            self.counts.report_dropped();
        }
    }

    /// Waits for an event and for those within [`BATCH_WINDOW`] after it; `false` if the queue is closed and empty.
    async fn collect(&mut self, batch: &mut Vec<AuditEvent>) -> bool {
        if self.queue.recv_many(batch, MAX_BATCH).await == 0 {
            return false;
        }
        let deadline = Instant::now() + BATCH_WINDOW;
        while batch.len() < MAX_BATCH {
            match timeout_at(deadline, self.queue.recv_many(batch, MAX_BATCH - batch.len())).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        true
    }

    /// Stores a batch, and retries while the store is unavailable.
    async fn store(&mut self, batch: &[AuditEvent]) {
        let mut pause = RETRY_DELAY.0;
        loop {
            match self.repository.append(batch).await {
                Ok(()) => return,
                Err(PortError::Corrupt(cause)) => {
                    tracing::error!(%cause, "audit events cannot be stored together");
                    return self.store_each(batch).await;
                }
                Err(PortError::Unavailable(_) | PortError::Overloaded) => {}
            }
            self.counts.report_dropped();
            // While the queue is being closed, its caller waits, so the delay stays short.
            let longest = if *self.is_closing.borrow() { RETRY_DELAY.0 } else { RETRY_DELAY.1 };
            if let Ok(Err(_)) = timeout(pause, self.is_closing.changed()).await {
                // The queue was dropped without `close`, and `changed` returns at once: without a sleep this would be a busy loop.
                sleep(pause).await;
            }
            pause = (pause * 2).min(longest);
        }
    }

    /// Stores the events of a batch one by one, so that one invalid event does not lose the others.
    async fn store_each(&self, batch: &[AuditEvent]) {
        for event in batch {
            if self.repository.append(std::slice::from_ref(event)).await.is_err() {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
