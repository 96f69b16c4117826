//! Stores the events of a backlog.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auth_domain::model::AuditEvent;
use auth_domain::ports::{AuditRepository, Clock, PortError};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::backlog::{Backlog, MAX_BATCH, Taken};

/// The delay before an unavailable store is tried again: initial and maximum.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

pub(super) struct Writer {
    repository: Arc<dyn AuditRepository>,
    clock: Arc<dyn Clock>,
    backlog: Arc<Backlog>,
    /// Held while a batch is stored, so that batches are stored one after another.
    storing: Mutex<()>,
}

impl Writer {
    pub(super) fn new(
        repository: Arc<dyn AuditRepository>,
        clock: Arc<dyn Clock>,
        backlog: Arc<Backlog>,
    ) -> Self {
        Self { repository, clock, backlog, storing: Mutex::default() }
    }

    /// Stores events until the backlog is closed and empty. May run several times at once.
    pub(super) async fn run(&self) {
        loop {
            self.backlog.wait().await;
            let _storing = self.storing.lock().await;
            let Taken { events, is_last } = self.backlog.take(self.clock.now());
            let mut batch = Batch { backlog: &self.backlog, left: events };
            while !batch.left.is_empty() {
                let count = batch.left.len().min(MAX_BATCH);
                self.store(&batch.left[..count]).await;
                batch.left.drain(..count);
            }
            drop(batch);
            self.backlog.report_dropped();
            if is_last {
                return;
            }
        }
    }

    /// Stores a batch, and retries while the store is unavailable.
    async fn store(&self, batch: &[AuditEvent]) {
        let mut pause = RETRY_DELAY.0;
        while !self.backlog.is_abandoned() {
            match self.repository.append(batch).await {
                Ok(()) => return self.backlog.settle(batch, false),
                Err(PortError::Corrupt(cause)) => {
                    tracing::error!(%cause, "audit events cannot be stored together");
                    return self.store_each(batch).await;
                }
                Err(PortError::Unavailable(_) | PortError::Overloaded) => {}
            }
            self.backlog.report_dropped();
            // While the queue is being closed, its caller waits, so the delay stays short.
            if self.backlog.is_closed() {
                sleep(RETRY_DELAY.0).await;
            } else {
                let _ = timeout(pause, self.backlog.closed()).await;
            }
            pause = (pause * 2).min(RETRY_DELAY.1);
        }
    }

    /// Stores the events of a batch one by one, so that one invalid event does not lose the others.
    async fn store_each(&self, batch: &[AuditEvent]) {
        for event in batch {
            let event = std::slice::from_ref(event);
            let stored = self.repository.append(event).await;
            self.backlog.settle(event, stored.is_err());
        }
    }
}

/// The events that are being stored. If storing them is cancelled, they wait again: some may be stored twice, and a duplicate
/// is better than a gap. After a panic they are counted as dropped, because they may have caused it.
struct Batch<'a> {
    backlog: &'a Backlog,
    left: Vec<AuditEvent>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.backlog.drop_unsettled();
        } else {
            self.backlog.return_unsettled(std::mem::take(&mut self.left));
        }
    }
}
