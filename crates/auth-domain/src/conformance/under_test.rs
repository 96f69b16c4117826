//! What the cases need of whoever runs them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::UserId;
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, AuditRepository, RevocationFeed, SessionRepository, UserRepository,
};
use crate::testing::MemoryStore;

/// A fresh, empty store, and whatever it needs to live: it is dropped when its case is over.
#[async_trait]
pub trait StoreUnderTest: Send + Sync {
    /// The stored users.
    fn users(&self) -> &dyn UserRepository;

    /// The sessions of those users.
    fn sessions(&self) -> &dyn SessionRepository;

    /// What is known of those of the sessions that have ended. A watch that has to be set to work is at work.
    fn revocations(&self) -> &dyn RevocationFeed;

    /// The stored API keys.
    fn api_keys(&self) -> &dyn ApiKeyRepository;

    /// The audit trail.
    fn audit_events(&self) -> &dyn AuditRepository;

    /// Marks a user's e-mail address as verified, past the ports: none of them does so, yet what a store makes of
    /// a verified address is part of their contract.
    async fn verify_email(&self, user: UserId);
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

/// A codec of access tokens, and others whose tokens it must refuse.
#[derive(Clone)]
pub struct AccessTokenCodecs {
    /// The codec to be examined.
    pub codec: Arc<dyn AccessTokenCodec>,
    /// Codecs that each differ from it in one thing that it must notice: another key, another algorithm, another
    /// issuer, another audience. At least one.
    pub foreign: Vec<Arc<dyn AccessTokenCodec>>,
}
