//! The task that stores events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_domain::model::{AuditAggregator, AuditEvent};
use auth_domain::ports::{AuditRepository, Clock, PortError};
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The maximum number of events in one transaction.
const MAX_BATCH: usize = 500;
/// How long the first event of a batch waits for others.
const BATCH_WINDOW: Duration = Duration::from_millis(50);
/// How often a writer without new events checks whether a minute is over.
const MERGE_INTERVAL: Duration = Duration::from_secs(1);
/// The delay before an unavailable store is tried again: initial and maximum.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

#[derive(Default)]
pub(super) struct Counts {
    /// Events in the queue or in the current batch. A merged event counts as its [`count`](AuditEvent::count).
    pub(super) waiting: AtomicU64,
    /// Events that found no room or that the store refused, since the last report.
    pub(super) dropped: AtomicU64,
}

impl Counts {
    /// Counts events that wait to be stored.
    pub(super) fn add_waiting(&self, events: &[AuditEvent]) {
        self.waiting.fetch_add(total(events), Ordering::Relaxed);
    }

    /// Counts events that wait no longer.
    pub(super) fn remove_waiting(&self, events: &[AuditEvent]) {
        self.waiting.fetch_sub(total(events), Ordering::Relaxed);
    }

    /// Counts events that are not stored.
    pub(super) fn add_dropped(&self, events: &[AuditEvent]) {
        self.dropped.fetch_add(total(events), Ordering::Relaxed);
    }

    pub(super) fn report_dropped(&self) {
        let events = self.dropped.swap(0, Ordering::Relaxed);
        if events > 0 {
            tracing::warn!(events, "audit events were not stored: the store is unavailable or too slow");
        }
    }
}

/// The number of events that these represent.
fn total(events: &[AuditEvent]) -> u64 {
    events.iter().map(|event| u64::from(event.count())).sum()
}

pub(super) struct Writer {
    pub(super) repository: Arc<dyn AuditRepository>,
    pub(super) queue: Receiver<AuditEvent>,
    pub(super) aggregator: Arc<Mutex<AuditAggregator>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counts: Arc<Counts>,
    pub(super) is_closing: watch::Receiver<bool>,
}

impl Writer {
    /// Stores events until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        loop {
            let is_open = self.collect(&mut batch).await;
            self.take_merged(&mut batch, is_open);
            for part in batch.chunks(MAX_BATCH) {
                self.store(part).await;
                self.counts.remove_waiting(part);
            }
            batch.clear();
            self.counts.report_dropped();
            if !is_open {
                return;
            }
        }
    }

    /// Adds the merged events of the last minute if it is over, or all if the queue is closed.
    fn take_merged(&self, batch: &mut Vec<AuditEvent>, is_open: bool) {
        let mut aggregator = self.aggregator.lock();
        let merged = if is_open { aggregator.take_due(self.clock.now()) } else { aggregator.take_all() };
        self.counts.add_waiting(&merged);
        batch.extend(merged);
    }

    /// Waits for an event and for those within [`BATCH_WINDOW`] after it, or for [`MERGE_INTERVAL`] without an event.
    /// Returns `false` if the queue is closed and empty.
    async fn collect(&mut self, batch: &mut Vec<AuditEvent>) -> bool {
        match timeout(MERGE_INTERVAL, self.queue.recv_many(batch, MAX_BATCH)).await {
            Ok(0) => return false,
            Ok(1..) => {}
            Err(_) => return true,
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
            let event = std::slice::from_ref(event);
            if self.repository.append(event).await.is_err() {
                self.counts.add_dropped(event);
            }
        }
    }
}
