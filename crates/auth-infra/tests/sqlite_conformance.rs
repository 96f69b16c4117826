//! Runs the conformance suite against the SQLite store.
#![cfg(feature = "sqlite")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::time::Duration;

use async_trait::async_trait;
use auth_domain::conformance::StoreUnderTest;
use auth_domain::model::{SessionId, UserId};
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, RevocationFeed, SessionRepository, SessionState, UserRepository,
};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::time::sleep;

struct TestStore {
    store: SqliteStore,
    directory: TempDir,
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
        let options = SqliteConnectOptions::new().filename(self.directory.path().join("auth.db"));
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a connection");
        let query = sqlx::query("UPDATE accounts SET email_verified = 1 WHERE id = ?1").bind(user.0);
        query.execute(&mut connection).await.expect("an update");
        connection.close().await.expect("closed");
    }

    /// Opens a copy, which has what an aborted process leaves behind.
    async fn reopen(&self) -> Option<Box<dyn StoreUnderTest>> {
        let copy = TempDir::new().expect("a directory");
        for file in std::fs::read_dir(self.directory.path()).expect("files") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("copied");
        }
        Some(Box::new(store_in(copy).await))
    }
}

async fn test_store() -> TestStore {
    store_in(TempDir::new().expect("a directory")).await
}

async fn store_in(directory: TempDir) -> TestStore {
    let settings = SqliteSettings::new(directory.path().join("auth.db"));
    let store = SqliteStore::connect(&settings).expect("a store");
    store.migrate().await.expect("migrated");
    let syncing = store.clone();
    tokio::spawn(async move { syncing.sync_revocations().await });
    while store.session_state(SessionId(sqlx::types::Uuid::nil())) == SessionState::Unknown {
        sleep(Duration::from_millis(5)).await;
    }
    TestStore { store, directory }
}

auth_domain::conformance_tests! { stores: test_store }
