//! A record store runs the conformance suite as it is.

use async_trait::async_trait;

use super::{KeyValueStore, RecordStore};
use crate::conformance::StoreUnderTest;
use crate::model::UserId;
use crate::ports::{ApiKeyRepository, AuditRepository, RevocationFeed, SessionRepository, UserRepository};

/// For a key-value store that owns its resources, or has none. A store with a temporary folder needs a type of its own, which
/// can also reopen the files.
#[async_trait]
impl<S: KeyValueStore + 'static> StoreUnderTest for RecordStore<S> {
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

    #[expect(clippy::expect_used, reason = "a case fails by a panic")]
    async fn verify_email(&self, user: UserId) {
        Self::verify_email(self, user).await.expect("no error");
    }
}
