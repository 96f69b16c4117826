//! The queue of events before the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_domain::model::{AuditDetail, AuditEvent, ClientId, DenialReason};
use auth_domain::ports::{AuditLog, AuditRepository};
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

/// Logs each event at once, and queues it for a task that appends events to a repository in batches.
///
/// An event waits for up to 50 ms. While the repository is unavailable, the queue fills. Events without room are dropped,
/// and a warning reports their number. They are in the log all the same.
pub struct AuditQueue {
    /// `None` after the queue is closed.
    sender: RwLock<Option<Sender<AuditEvent>>>,
    counts: Arc<Counts>,
    closing: watch::Sender<bool>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl AuditQueue {
    /// Starts a queue for `repository`. Its task runs on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(repository: Arc<dyn AuditRepository>) -> Self {
        Self::with_capacity(repository, CAPACITY)
    }

    fn with_capacity(repository: Arc<dyn AuditRepository>, capacity: usize) -> Self {
        let (sender, queue) = channel(capacity);
        let (closing, is_closing) = watch::channel(false);
        let counts = Arc::<Counts>::default();
        let writer = Writer::new(repository, queue, Arc::clone(&counts), is_closing);
        let writer = Mutex::new(Some(tokio::spawn(writer.run())));
        Self { sender: RwLock::new(Some(sender)), counts, closing, writer }
    }

    /// Accepts no more events, and waits until the queued ones are stored. For an unavailable store it waits at most
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
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if sender.as_ref().is_none_or(|sender| sender.try_send(event).is_err()) {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
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
    use auth_domain::model::{AuditAction, AuditFilter, AuditOutcome, Caller, Timestamp};
    use auth_domain::testing::MemoryStore;
    use tokio::time::sleep;

    use super::*;

    fn event(second: i64, outcome: AuditOutcome) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_unix_seconds(second),
            action: AuditAction::UserLoggedIn,
            outcome,
            user: None,
            session: None,
            client: None,
            caller: Caller::default(),
            detail: None,
        }
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
        let queue = AuditQueue::start(store.clone());
        record(&queue, 0..1_200);
        sleep(Duration::from_millis(75)).await;
        assert_eq!(seconds(&store), (0..1_200).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn waiting_events_are_stored_before_the_queue_is_closed() {
        let store = Arc::new(MemoryStore::new());
        let queue = AuditQueue::start(store.clone());
        record(&queue, 0..3);
        queue.close().await;
        assert_eq!(seconds(&store), [0, 1, 2]);
        queue.close().await;
    }

    #[tokio::test]
    async fn events_below_the_storage_level_are_not_stored() {
        let store = Arc::new(MemoryStore::new());
        let queue = AuditQueue::start(store.clone());
        queue.record(event(0, AuditOutcome::Denied(DenialReason::NotOurs)));
        queue.record(event(1, AuditOutcome::Denied(DenialReason::WrongPassword)));
        queue.close().await;
        assert_eq!(seconds(&store), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_comes_back_gets_all_queued_events() {
        let store = Arc::new(MemoryStore::new());
        store.set_unavailable(true);
        let queue = AuditQueue::with_capacity(store.clone(), 10);
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
        let queue = AuditQueue::start(store.clone());
        record(&queue, 0..1);
        timeout(Duration::from_secs(5), queue.close()).await.expect("closed");
        store.set_unavailable(false);
        let left = store.latest(&AuditFilter::default(), 1).await.expect("back");
        assert_eq!(left, []);
    }

    #[tokio::test]
    async fn recording_after_close_neither_waits_nor_fails() {
        let store = Arc::new(MemoryStore::new());
        let queue = AuditQueue::start(store.clone());
        queue.close().await;
        record(&queue, 0..1);
        assert_eq!(seconds(&store).len(), 0);
    }
}
