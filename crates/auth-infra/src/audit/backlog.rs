//! The events that wait for the store.

use std::collections::VecDeque;
use std::time::Duration;

use auth_domain::model::{AuditAggregator, AuditEvent, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The maximum number of events in one transaction.
pub(super) const MAX_BATCH: usize = 500;
/// How long the first event of a batch waits for others.
const BATCH_WINDOW: Duration = Duration::from_millis(50);
/// How often a writer without new events checks whether a minute is over.
const MERGE_INTERVAL: Duration = Duration::from_secs(1);

/// The events that wait, bounded, and the counts of those that do not reach the store.
pub(super) struct Backlog {
    capacity: usize,
    state: Mutex<State>,
    /// Notified when the first event waits, when a batch is full, and when the backlog is closed.
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<AuditEvent>,
    aggregator: AuditAggregator,
    is_closed: bool,
    /// Whether nothing is stored any more.
    is_abandoned: bool,
    /// The events of the current batch. A merged event counts as its [`count`](AuditEvent::count), here and below.
    in_progress: u64,
    /// Events that found no room or that the store refused, since the last report.
    dropped: u64,
}

/// What a writer stores next.
pub(super) struct Taken {
    pub(super) events: Vec<AuditEvent>,
    /// Whether no event is left and none follows.
    pub(super) is_last: bool,
}

impl Backlog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), changed: Notify::new() }
    }

    /// Adds an event after merging repeats. Without room, or after [`close`](Self::close), it is dropped and counted.
    pub(super) fn add(&self, event: AuditEvent) {
        // The lock is held until the events wait, so that they reach the store in the order of the calls.
        let mut state = self.state.lock();
        if state.is_closed {
            state.dropped += u64::from(event.count());
            return;
        }
        for event in state.aggregator.add(event) {
            if state.waiting.len() == self.capacity {
                state.dropped += u64::from(event.count());
                continue;
            }
            state.waiting.push_back(event);
            if matches!(state.waiting.len(), 1 | MAX_BATCH) {
                self.changed.notify_one();
            }
        }
    }

    /// Accepts no more events.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_waiters();
    }

    /// Gives up all events that are not stored, and counts them as dropped.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        state.is_abandoned = true;
        let left: Vec<_> = state.waiting.drain(..).collect();
        let merged = state.aggregator.take_all();
        state.dropped += total(&left) + total(&merged) + std::mem::take(&mut state.in_progress);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.state.lock().is_abandoned
    }

    /// Takes up to [`MAX_BATCH`] events, and the merged events of the last minute if it is over. Takes all merged ones if the
    /// backlog is closed.
    pub(super) fn take(&self, now: Timestamp) -> Taken {
        let mut state = self.state.lock();
        let count = state.waiting.len().min(MAX_BATCH);
        let mut events: Vec<_> = state.waiting.drain(..count).collect();
        let is_last = state.is_closed && state.waiting.is_empty();
        // The events that were merged last come last.
        events.extend(match (is_last, state.is_closed) {
            (true, _) => state.aggregator.take_all(),
            (false, true) => Vec::new(),
            (false, false) => state.aggregator.take_due(now),
        });
        state.in_progress = total(&events);
        Taken { events, is_last }
    }

    /// Notes that these events of the current batch are stored, or that the store refuses them.
    pub(super) fn settle(&self, events: &[AuditEvent], is_refused: bool) {
        let mut state = self.state.lock();
        // The events of an abandoned batch have been counted.
        let settled = total(events).min(state.in_progress);
        state.in_progress -= settled;
        if is_refused {
            state.dropped += settled;
        }
    }

    /// Ends the current batch. Its events that are not settled wait again, before all others.
    pub(super) fn return_unsettled(&self, events: Vec<AuditEvent>) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.in_progress) > 0 {
            events.into_iter().rev().for_each(|event| state.waiting.push_front(event));
            self.changed.notify_one();
        }
    }

    /// Ends the current batch, and counts its events that are not settled as dropped.
    pub(super) fn drop_unsettled(&self) {
        let mut state = self.state.lock();
        state.dropped += std::mem::take(&mut state.in_progress);
    }

    /// Waits for an event and then for [`BATCH_WINDOW`] or a full batch. Without an event it waits for [`MERGE_INTERVAL`].
    pub(super) async fn wait(&self) {
        let begun = timeout(MERGE_INTERVAL, self.until(|state| !state.waiting.is_empty())).await;
        if begun.is_ok() {
            let _ = timeout(BATCH_WINDOW, self.until(|state| state.waiting.len() >= MAX_BATCH)).await;
        }
    }

    /// Waits until the backlog is closed.
    pub(super) async fn closed(&self) {
        self.until(|_| false).await;
    }

    /// Waits until a condition holds or the backlog is closed.
    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            let is_over = {
                let state = self.state.lock();
                state.is_closed || holds(&state)
            };
            if is_over {
                return;
            }
            changed.await;
        }
    }

    #[cfg(test)]
    pub(super) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    pub(super) fn report_dropped(&self) {
        let events = std::mem::take(&mut self.state.lock().dropped);
        if events > 0 {
            tracing::warn!(events, "audit events were not stored: the store is unavailable or too slow");
        }
    }
}

/// The number of events that these represent.
fn total(events: &[AuditEvent]) -> u64 {
    events.iter().map(|event| u64::from(event.count())).sum()
}
