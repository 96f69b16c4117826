//! The types that an adapter author implements or fills in to run the suite.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{AuditEvent, Timestamp, UserId};
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, AuditLog, AuditRepository, Clock as _, RevocationFeed,
    SessionRepository, UserRepository,
};
use crate::testing::{FixedClock, MemoryStore};

/// A fresh, empty store with its resources. It is dropped when its case has ended.
#[async_trait]
pub trait StoreUnderTest: Send + Sync {
    /// The users.
    fn users(&self) -> &dyn UserRepository;

    /// The sessions of those users.
    fn sessions(&self) -> &dyn SessionRepository;

    /// The feed of revoked sessions. If it needs a background task, the task is running and the feed is synchronised.
    fn revocations(&self) -> &dyn RevocationFeed;

    /// The API keys.
    fn api_keys(&self) -> &dyn ApiKeyRepository;

    /// The audit trail.
    fn audit_events(&self) -> &dyn AuditRepository;

    /// Marks the e-mail address of `user` as verified, without a port: no port has such a method, but the contract of
    /// [`UserRepository`] covers verified addresses. An adapter that caches users drops the user from its cache here, because
    /// `find_recent` returns the mark at once.
    async fn verify_email(&self, user: UserId);

    /// Opens the stored data with a second store, as a program does that was ended without warning and is started again.
    ///
    /// The first store stays open. If its files can be opened only once, copy them and open the copy. The default returns
    /// `None`: the data does not outlive the process, and the cases about durability pass without a check.
    async fn reopen(&self) -> Option<Box<dyn StoreUnderTest>> {
        None
    }
}

#[async_trait]
impl StoreUnderTest for MemoryStore {
    fn users(&self) -> &dyn UserRepository {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn revocations(&self) -> &dyn RevocationFeed {
        self
    }

    fn api_keys(&self) -> &dyn ApiKeyRepository {
        self
    }

    fn audit_events(&self) -> &dyn AuditRepository {
        self
    }

    async fn verify_email(&self, user: UserId) {
        Self::verify_email(self, user);
    }
}

/// A log of audit events, and what it has stored. It is dropped when its case has ended.
#[async_trait]
pub trait AuditLogUnderTest: Send + Sync {
    /// The log.
    fn log(&self) -> &dyn AuditLog;

    /// The time of the log's clock. It must not change during a case.
    fn now(&self) -> Timestamp;

    /// Waits until the log has stored every event that does not have to wait for the end of its minute. Returns all
    /// stored events in their order.
    async fn stored(&self) -> Vec<AuditEvent>;

    /// Closes the log, so that it stores the rest. Returns all stored events in their order.
    async fn close(&self) -> Vec<AuditEvent>;
}

#[async_trait]
impl AuditLogUnderTest for MemoryStore {
    fn log(&self) -> &dyn AuditLog {
        self
    }

    fn now(&self) -> Timestamp {
        FixedClock::default().now()
    }

    async fn stored(&self) -> Vec<AuditEvent> {
        self.audit_events()
    }

    async fn close(&self) -> Vec<AuditEvent> {
        self.audit_events()
    }
}

/// A codec of access tokens, and other codecs whose tokens it must refuse.
#[derive(Clone)]
pub struct AccessTokenCodecs {
    /// The codec under test.
    pub codec: Arc<dyn AccessTokenCodec>,
    /// At least one other codec. Each differs from `codec` in one property that `codec` must check: key, algorithm,
    /// issuer or audience.
    pub foreign: Vec<Arc<dyn AccessTokenCodec>>,
}
