//! Runs the conformance suite against the example of an adapter, and the program of the example.
#![expect(clippy::expect_used, reason = "a panic fails the test")]

use std::path::{Path, PathBuf};

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
    folder: TempDir,
}

impl TestStore {
    fn file(&self) -> PathBuf {
        self.folder.path().join("auth.redb")
    }
}

/// Opens a copy of this file, or a new file.
#[expect(clippy::disallowed_methods, reason = "the ban is for the domain: this is the test of an adapter")]
fn store(copied: Option<&Path>) -> TestStore {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("auth.redb");
    if let Some(copied) = copied {
        std::fs::copy(copied, &file).expect("a copy");
    }
    let store = RecordStore::new(Redb::open(&file).expect("a file"))
        .with_blocking_pool(|call| drop(tokio::task::spawn_blocking(call)));
    TestStore { store, folder }
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

    /// A file of redb is open once, so a copy is opened: what a crash would leave.
    async fn reopen(&self) -> Option<Box<dyn StoreUnderTest>> {
        Some(Box::new(store(Some(&self.file()))))
    }
}

auth_domain::conformance_tests! { stores: async || store(None) }

#[test]
fn session_outlives_the_process() {
    redb_store::main().expect("the example succeeds");
}
