//! Runs the conformance suite against the queue of audit events.
#![cfg(feature = "audit")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_domain::conformance::AuditLogUnderTest;
use auth_domain::model::{AuditEvent, AuditFilter, Timestamp};
use auth_domain::ports::{AuditLog, AuditRepository, Clock};
use auth_domain::testing::{FixedClock, MemoryStore};
use auth_infra::audit::AuditQueue;
use tokio::time::sleep;

struct TestLog {
    queue: AuditQueue,
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
}

#[async_trait]
impl AuditLogUnderTest for TestLog {
    fn log(&self) -> &dyn AuditLog {
        &self.queue
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn stored(&self) -> Vec<AuditEvent> {
        sleep(Duration::from_millis(300)).await;
        let records = self.store.list(&AuditFilter::default(), None, u32::MAX).await.expect("no error");
        records.into_iter().map(|record| record.event).collect()
    }

    async fn close(&self) -> Vec<AuditEvent> {
        self.queue.close().await;
        self.store.audit_events()
    }
}

fn test_log() -> Arc<dyn AuditLogUnderTest> {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(FixedClock::default()));
    Arc::new(TestLog { queue: AuditQueue::start(store.clone(), clock.clone()), store, clock })
}

auth_domain::conformance_tests! { audit_log: async || test_log() }
