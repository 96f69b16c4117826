//! The queue of events before the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_domain::model::{AuditAggregator, AuditDetail, AuditEvent, ClientId, DenialReason};
use auth_domain::ports::{AuditLog, AuditRepository, Clock};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::writer::{Counts, Writer};

/// The maximum number of waiting events: about ten seconds of a busy node, in a few MiB.
const CAPACITY: usize = 10_000;

/// How long [`AuditQueue::close`] waits for an unavailable store.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// Logs each event at once, merges repeats, and queues events for a task that appends them to a repository in batches.
///
/// An event waits for up to 50 ms, and a merged one until its minute is over. While the repository is unavailable, the queue
/// fills. Events without room are dropped, and a warning reports their number. They are in the log all the same.
pub struct AuditQueue {
    /// `None` after the queue is closed.
    sender: RwLock<Option<Sender<AuditEvent>>>,
    aggregator: Arc<Mutex<AuditAggregator>>,
    counts: Arc<Counts>,
    closing: watch::Sender<bool>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl AuditQueue {
    /// Starts a queue for `repository`. Its task runs on the current tokio runtime. `clock` is the clock of the events.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(repository: Arc<dyn AuditRepository>, clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(repository, clock, CAPACITY)
    }

    fn with_capacity(repository: Arc<dyn AuditRepository>, clock: Arc<dyn Clock>, capacity: usize) -> Self {
        let (sender, queue) = channel(capacity);
        let (closing, is_closing) = watch::channel(false);
        let counts = Arc::<Counts>::default();
        let aggregator = Arc::<Mutex<AuditAggregator>>::default();
        let writer = Writer {
            repository,
            queue,
            aggregator: Arc::clone(&aggregator),
            clock,
            counts: Arc::clone(&counts),
            is_closing,
        };
        let writer = Mutex::new(Some(tokio::spawn(writer.run())));
        Self { sender: RwLock::new(Some(sender)), aggregator, counts, closing, writer }
    }

    /// Accepts no more events, and waits until the queued and the merged ones are stored. For an unavailable store it waits at most
    /// four seconds.
    pub async fn close(&self) {
        self.sender.write().take();
        self.closing.send_replace(true);
        let writer = self.writer.lock().take();
        if let Some(mut writer) = writer
            && timeout(CLOSE_TIMEOUT, &mut writer).await.is_err()
        {
            writer.abort();
            self.counts.dropped.fetch_add(self.counts.waiting.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            self.counts.add_dropped(&self.aggregator.lock().take_all());
        }
        self.counts.report_dropped();
    }
}

impl AuditLog for AuditQueue {
    fn record(&self, event: AuditEvent) {
        log(&event);
        if !event.is_kept() {
            return;
        }
        let sender = self.sender.read();
        let Some(sender) = &*sender else {
            return self.counts.add_dropped(std::slice::from_ref(&event));
        };
        // The lock is held until the events are queued, so that they reach the store in the order of the calls.
        let mut aggregator = self.aggregator.lock();
        for event in aggregator.add(event) {
            self.counts.add_waiting(std::slice::from_ref(&event));
            if let Err(unsent) = sender.try_send(event) {
                let unsent = [unsent.into_inner()];
                self.counts.remove_waiting(&unsent);
                self.counts.add_dropped(&unsent);
            }
        }
    }
}

/// Logs an event. Events that are not stored are logged at debug level only.
fn log(event: &AuditEvent) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: "audit",
                action = event.action.as_str(),
                outcome = event.outcome.as_str(),
                reason = event.outcome.denial().map(DenialReason::as_str),
                user = event.user.map(tracing::field::display),
                session = event.session.map(tracing::field::display),
                client = event.client.as_ref().map(ClientId::as_str),
                address = event.caller.address.map(tracing::field::display),
                request = event.caller.request.map(tracing::field::display),
                api_key = event.caller.api_key.map(tracing::field::display),
                detail = event.detail.as_ref().map(AuditDetail::as_str),
                "audit event"
            )
        };
    }
    if event.is_kept() { line!(info) } else { line!(debug) }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{AuditAction, AuditFilter, AuditOutcome, AuditedCaller, Timestamp};
    use auth_domain::testing::{FixedClock, MemoryStore};
    use tokio::time::sleep;

    use super::*;

    fn event(second: i64, outcome: AuditOutcome) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_unix_seconds(second),
            merged: None,
            action: AuditAction::UserLoggedIn,
            outcome,
            user: None,
            session: None,
            client: None,
            caller: AuditedCaller::default(),
            detail: None,
        }
    }

    fn clock() -> Arc<FixedClock> {
        Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH))
    }

    fn started(store: &Arc<MemoryStore>) -> AuditQueue {
        AuditQueue::start(store.clone(), clock())
    }

    fn record(queue: &AuditQueue, seconds: std::ops::Range<i64>) {
        seconds.for_each(|second| queue.record(event(second, AuditOutcome::Succeeded)));
    }

    fn seconds(store: &MemoryStore) -> Vec<i64> {
        store.audit_events().iter().map(|event| event.at.unix_seconds()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn events_reach_the_store_in_order_within_75_milliseconds() {
        let store = Arc::new(MemoryStore::new());
        let queue = started(&store);
        record(&queue, 0..1_200);
        sleep(Duration::from_millis(75)).await;
        assert_eq!(seconds(&store), (0..1_200).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn waiting_events_are_stored_before_the_queue_is_closed() {
        let store = Arc::new(MemoryStore::new());
        let queue = started(&store);
        record(&queue, 0..3);
        queue.close().await;
        assert_eq!(seconds(&store), [0, 1, 2]);
        queue.close().await;
    }

    #[tokio::test]
    async fn events_below_the_storage_level_are_not_stored() {
        let store = Arc::new(MemoryStore::new());
        let queue = started(&store);
        queue.record(event(0, AuditOutcome::Denied(DenialReason::NotOurs)));
        queue.record(event(1, AuditOutcome::Denied(DenialReason::WrongPassword)));
        queue.close().await;
        assert_eq!(seconds(&store), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_comes_back_gets_all_queued_events() {
        let store = Arc::new(MemoryStore::new());
        store.set_unavailable(true);
        let queue = AuditQueue::with_capacity(store.clone(), clock(), 10);
        record(&queue, 0..5);
        sleep(Duration::from_secs(60)).await;
        record(&queue, 5..20);
        assert_eq!(queue.counts.dropped.load(Ordering::Relaxed), 5, "5 are under way, 10 wait");
        store.set_unavailable(false);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(seconds(&store), (0..15).collect::<Vec<_>>());
        assert_eq!(queue.counts.dropped.load(Ordering::Relaxed), 0, "it has been said");
    }

    #[tokio::test(start_paused = true)]
    async fn closing_does_not_wait_long_for_an_unavailable_store() {
        let store = Arc::new(MemoryStore::new());
        store.set_unavailable(true);
        let queue = started(&store);
        record(&queue, 0..1);
        timeout(Duration::from_secs(5), queue.close()).await.expect("closed");
        store.set_unavailable(false);
        let left = store.latest(&AuditFilter::default(), 1).await.expect("back");
        assert_eq!(left, []);
    }

    #[tokio::test]
    async fn recording_after_close_neither_waits_nor_fails() {
        let store = Arc::new(MemoryStore::new());
        let queue = started(&store);
        queue.close().await;
        record(&queue, 0..1);
        assert_eq!(seconds(&store).len(), 0);
    }

    const DENIED: AuditOutcome = AuditOutcome::Denied(DenialReason::UserSuspended);

    /// The seconds and the counts of the stored events.
    async fn stored(store: &MemoryStore) -> Vec<(i64, u32)> {
        let records = store.list(&AuditFilter::default(), None, u32::MAX).await.expect("available");
        records.iter().map(|record| (record.event.at.unix_seconds(), record.event.count())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_are_stored_when_their_minute_is_over() {
        let store = Arc::new(MemoryStore::new());
        let clock = clock();
        let queue = AuditQueue::start(store.clone(), clock.clone());
        (0..10).for_each(|second| queue.record(event(second, DENIED)));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(stored(&store).await, [(0, 1)]);
        clock.advance(Duration::from_secs(60));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(stored(&store).await, [(0, 1), (1, 9)]);
    }

    #[tokio::test]
    async fn repeats_are_stored_when_the_queue_is_closed() {
        let store = Arc::new(MemoryStore::new());
        let queue = started(&store);
        (0..10).for_each(|second| queue.record(event(second, DENIED)));
        queue.close().await;
        assert_eq!(stored(&store).await, [(0, 1), (1, 9)]);
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_leave_room_for_other_events_in_the_queue() {
        let store = Arc::new(MemoryStore::new());
        store.set_unavailable(true);
        let queue = AuditQueue::with_capacity(store.clone(), clock(), 10);
        (0..1_000).for_each(|_| queue.record(event(0, DENIED)));
        record(&queue, 0..1);
        store.set_unavailable(false);
        queue.close().await;
        assert_eq!(stored(&store).await, [(0, 1), (0, 1), (0, 999)]);
        assert_eq!(queue.counts.dropped.load(Ordering::Relaxed), 0);
    }
}
