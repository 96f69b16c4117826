//! Runs the conformance suite against the example of an adapter, and the program of the example.
#![expect(clippy::expect_used, reason = "a panic fails the test")]

use async_trait::async_trait;
use auth_domain::conformance::StoreUnderTest;
use auth_domain::model::UserId;
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, RevocationFeed, SessionRepository, UserRepository,
};
use auth_domain::records::RecordStore;
use tempfile::TempDir;

use redb_store::Redb;

#[path = "../examples/redb_store.rs"]
mod redb_store;

/// A store in a file of its own.
struct TestStore {
    store: RecordStore<Redb>,
    _folder: TempDir,
}

fn store() -> TestStore {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Redb::open(&folder.path().join("auth.redb")).expect("a file");
    let store = RecordStore::new(database).with_blocking_pool(|call| drop(tokio::task::spawn_blocking(call)));
    TestStore { store, _folder: folder }
}

#[async_trait]
impl StoreUnderTest for TestStore {
    fn users(&self) -> &dyn UserRepository {
        &self.store
    }

    fn sessions(&self) -> &dyn SessionRepository {
        &self.store
    }

    fn revocations(&self) -> &dyn RevocationFeed {
        &self.store
    }

    fn api_keys(&self) -> &dyn ApiKeyRepository {
        &self.store
    }

    fn audit_events(&self) -> &dyn AuditRepository {
        &self.store
    }

    async fn verify_email(&self, user: UserId) {
        self.store.verify_email(user).await.expect("no error");
    }
}

auth_domain::conformance_tests! { stores: async || store() }

#[test]
fn session_outlives_the_process() {
    redb_store::main().expect("the example succeeds");
}
