//! Runs the conformance suite against the PostgreSQL store.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_domain::conformance::StoreUnderTest;
use auth_domain::model::{SessionId, UserId};
use auth_domain::ports::{
    ApiKeyRepository, AttemptLimiter, AuditRepository, RevocationFeed, SessionRepository, SessionState,
    UserRepository,
};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use test_postgres::TestPostgres;
use tokio::time::sleep;

struct TestStore {
    store: PostgresStore,
    url: String,
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
        let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
        let query = sqlx::query("UPDATE accounts SET email_verified = true WHERE id = $1").bind(user.0);
        query.execute(&mut connection).await.expect("an update");
        connection.close().await.expect("closed");
    }

    async fn reopen(&self) -> Option<Box<dyn StoreUnderTest>> {
        Some(Box::new(store_at(self.url.clone()).await))
    }
}

async fn test_store() -> TestStore {
    store_at(TestPostgres::shared().create_database()).await
}

async fn store_at(url: String) -> TestStore {
    let store = PostgresStore::connect(&PostgresSettings::new(url.clone())).expect("a store");
    store.migrate().await.expect("migrated");
    let syncing = store.clone();
    tokio::spawn(async move { syncing.sync_revocations().await });
    while store.session_state(SessionId(sqlx::types::Uuid::nil())) == SessionState::Unknown {
        sleep(Duration::from_millis(5)).await;
    }
    TestStore { store, url }
}

async fn attempt_limiter() -> Arc<dyn AttemptLimiter> {
    Arc::new(test_store().await.store)
}

auth_domain::conformance_tests! { stores: test_store }
auth_domain::conformance_tests! { attempt_limiter: attempt_limiter }
