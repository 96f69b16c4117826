//! The queue of events before the store.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::{AuditDetail, AuditEvent, ClientId, DenialReason};
use auth_domain::ports::{AuditLog, AuditRepository, Clock};
use tokio::time::timeout;

use super::backlog::Backlog;
use super::writer::Writer;
use crate::supervisor::{StoppedTasks, supervise};

/// The maximum number of waiting events: about ten seconds of a busy node, in a few MiB.
const CAPACITY: usize = 10_000;

/// How long [`AuditQueue::close`] waits for an unavailable store.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// Logs each event at once, merges repeats, and queues events for a task that appends them to a repository in batches.
///
/// An event waits for up to 50 ms, and a merged one until its minute is over. While the repository is unavailable, the queue
/// fills. Events without room are dropped, and a warning reports their number. They are in the log all the same.
///
/// [`close`](Self::close) stores what waits. After a drop without `close`, the task stores it while its runtime lasts.
pub struct AuditQueue {
    backlog: Arc<Backlog>,
    writer: Arc<Writer>,
}

impl AuditQueue {
    /// Starts a queue for `repository`. Its task runs on the current tokio runtime. `clock` is the clock of the events.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(repository: Arc<dyn AuditRepository>, clock: Arc<dyn Clock>) -> Self {
        let queue = Self::new(repository, clock);
        queue.spawn();
        queue
    }

    /// Creates a queue without a task: the caller runs [`store_events`](Self::store_events).
    pub(crate) fn new(repository: Arc<dyn AuditRepository>, clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(repository, clock, CAPACITY)
    }

    fn with_capacity(repository: Arc<dyn AuditRepository>, clock: Arc<dyn Clock>, capacity: usize) -> Self {
        let backlog = Arc::new(Backlog::new(capacity));
        let writer = Arc::new(Writer::new(repository, clock, Arc::clone(&backlog)));
        Self { backlog, writer }
    }

    fn spawn(&self) {
        let (needed, writer) = (Arc::clone(&self.backlog), Arc::clone(&self.writer));
        let run = move || {
            let writer = Arc::clone(&writer);
            async move { writer.run().await }
        };
        let needed = move || !needed.is_closed();
        tokio::spawn(supervise("audit queue", StoppedTasks::default(), needed, run));
    }

    /// Stores events until the queue is closed and empty.
    #[cfg(all(feature = "service", any(feature = "postgres", feature = "sqlite")))]
    pub(crate) async fn store_events(&self) {
        self.writer.run().await;
    }

    /// Accepts no more events, and waits until the queued and the merged ones are stored. For an unavailable store it waits at most
    /// four seconds.
    ///
    /// It also stores them if the runtime of the queue's task has ended.
    pub async fn close(&self) {
        self.backlog.close();
        // The task stores the batch that it has taken, and this call stores the rest.
        if timeout(CLOSE_TIMEOUT, self.writer.run()).await.is_err() {
            self.backlog.abandon();
        }
        self.backlog.report_dropped();
    }
}

impl AuditLog for AuditQueue {
    fn record(&self, event: AuditEvent) {
        log(&event);
        if event.is_kept() {
            self.backlog.add(event);
        }
    }
}

impl Drop for AuditQueue {
    /// Ends the task once it has stored what waits.
    fn drop(&mut self) {
        self.backlog.close();
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
    use tokio::runtime::Builder;
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

    /// A queue for ten events.
    fn bounded(store: &Arc<MemoryStore>) -> AuditQueue {
        let queue = AuditQueue::with_capacity(store.clone(), clock(), 10);
        queue.spawn();
        queue
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
        let queue = bounded(&store);
        record(&queue, 0..5);
        sleep(Duration::from_secs(60)).await;
        record(&queue, 5..20);
        assert_eq!(queue.backlog.dropped(), 5, "5 are under way, 10 wait");
        store.set_unavailable(false);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(seconds(&store), (0..15).collect::<Vec<_>>());
        assert_eq!(queue.backlog.dropped(), 0, "it has been said");
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
        let queue = bounded(&store);
        (0..1_000).for_each(|_| queue.record(event(0, DENIED)));
        record(&queue, 0..1);
        store.set_unavailable(false);
        queue.close().await;
        assert_eq!(stored(&store).await, [(0, 1), (0, 1), (0, 999)]);
        assert_eq!(queue.backlog.dropped(), 0);
    }

    #[test]
    fn close_stores_what_waits_after_the_runtime_of_the_task() {
        let store = Arc::new(MemoryStore::new());
        let runtime = || Builder::new_current_thread().enable_all().build().expect("a runtime");
        let first = runtime();
        let queue = first.block_on(async {
            let queue = started(&store);
            record(&queue, 0..3);
            queue
        });
        drop(first);
        runtime().block_on(queue.close());
        assert_eq!(seconds(&store), [0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn batch_of_a_cancelled_task_is_stored_by_close() {
        let store = Arc::new(MemoryStore::new());
        store.set_unavailable(true);
        let queue = AuditQueue::new(store.clone(), clock());
        record(&queue, 0..3);
        let cancelled = timeout(Duration::from_secs(10), queue.writer.run()).await;
        assert!(cancelled.is_err(), "it retries");
        store.set_unavailable(false);
        record(&queue, 3..4);
        queue.close().await;
        assert_eq!(seconds(&store), [0, 1, 2, 3]);
    }
}
