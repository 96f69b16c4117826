//! Tests the user cache on PostgreSQL: reads without a query, and changes by other processes.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::time::{Duration, Instant};

use auth_domain::model::{
    DisplayName, EmailAddress, Metadata, MetadataChange, PhoneNumber, Roles, SessionId, User, UserChanges,
    UserId, UserRef, UserStatus, Username,
};
use auth_domain::ports::{PortError, SessionState};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use test_postgres::TestPostgres;
use tokio::time::sleep;

use stores::TestApp;

/// The documented bound is one second. The rest is a margin for a busy machine. Nothing else removes an entry that soon.
const SOON: Duration = Duration::from_secs(5);

/// One process of the service, with its user cache.
struct Node {
    app: TestApp,
    url: String,
}

impl Node {
    /// A node with a synced revocation feed, so the cache is on.
    async fn with_feed(url: &str, seed: u64) -> Self {
        let node = Self::without_feed(url, seed).await;
        node.start_feed().await;
        let probe = node.app.register(&format!("probe{seed}")).await.id;
        node.until_cached(probe).await;
        node
    }

    /// A node without a revocation feed, so the cache is off.
    async fn without_feed(url: &str, seed: u64) -> Self {
        let settings = PostgresSettings { max_connections: 3, ..PostgresSettings::new(url) };
        let store = PostgresStore::connect(&settings).expect("a store");
        store.migrate().await.expect("migrated");
        Self { app: TestApp::new(store, seed), url: url.to_owned() }
    }

    /// Starts the revocation feed and waits until it is synced.
    async fn start_feed(&self) {
        let syncing = self.app.store.clone();
        tokio::spawn(async move { syncing.sync_revocations().await });
        let unknown_session = SessionId(sqlx::types::Uuid::nil());
        while self.app.store.revocations().session_state(unknown_session) != SessionState::Live {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn find_recent(&self, user: UserId) -> Option<User> {
        self.app.store.users().find_recent(user).await.expect("no error")
    }

    async fn stored(&self, user: UserId) -> Option<User> {
        self.app.store.users().find(&UserRef::Id(user)).await.expect("no error")
    }

    fn sql(&self, statement: &str) -> String {
        TestPostgres::shared().query(&self.url, statement).expect("an answer")
    }

    /// Whether the node has the user in its cache, so that it does not see a change without a notification.
    async fn has_cached(&self, user: UserId) -> bool {
        let before = self.find_recent(user).await;
        self.change_without_notification(user);
        self.find_recent(user).await == before
    }

    /// Changes the user with disabled triggers.
    fn change_without_notification(&self, user: UserId) {
        self.sql(&format!(
            "BEGIN; ALTER TABLE accounts DISABLE TRIGGER USER;
             UPDATE accounts SET display_name = 'at ' || clock_timestamp() WHERE id = '{user}';
             ALTER TABLE accounts ENABLE TRIGGER USER; COMMIT"
        ));
    }

    async fn until_cached(&self, user: UserId) {
        let started = Instant::now();
        while !self.has_cached(user).await {
            assert!(started.elapsed() < 2 * SOON, "the user is never cached");
        }
    }

    /// Asserts that the node soon returns the user as stored.
    async fn assert_current(&self, user: UserId, why: &str) {
        let (stored, started) = (self.stored(user).await, Instant::now());
        while self.find_recent(user).await != stored {
            assert!(started.elapsed() < SOON, "{why} is not seen");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_another_node_is_seen_within_a_second() {
    let url = TestPostgres::shared().create_database();
    let (one, other) = (Node::with_feed(&url, 1).await, Node::with_feed(&url, 2).await);
    let jane = one.app.register("jane").await;
    let (users, at) = (other.app.store.users(), jane.created_at);
    let metadata = Metadata::parse("{}").expect("metadata");
    for changes in [
        UserChanges { username: Username::parse("Janet").ok(), ..UserChanges::default() },
        UserChanges { email: EmailAddress::parse("jane@mail.example").ok(), ..UserChanges::default() },
        UserChanges { display_name: DisplayName::parse("Jane").ok(), ..UserChanges::default() },
        UserChanges { phone_number: PhoneNumber::parse("+15550100199").ok(), ..UserChanges::default() },
        UserChanges { metadata: MetadataChange::Set(metadata), ..UserChanges::default() },
    ] {
        let before = one.find_recent(jane.id).await;
        users.update(jane.id, &changes, at).await.expect("no error");
        assert_ne!(one.stored(jane.id).await, before);
        one.assert_current(jane.id, &format!("{changes:?}")).await;
    }
    users.set_roles(jane.id, &Roles::parse("editor").expect("roles"), at).await.expect("no error");
    one.assert_current(jane.id, "another role").await;
    for status in [UserStatus::Suspended, UserStatus::Active] {
        users.set_status(jane.id, status, at).await.expect("no error");
        one.assert_current(jane.id, status.as_str()).await;
    }
    one.until_cached(jane.id).await;
    assert!(users.delete(jane.id).await.expect("no error"));
    one.assert_current(jane.id, "a deletion").await;
    assert_eq!(one.find_recent(jane.id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_plain_sql_is_seen_within_a_second() {
    let url = TestPostgres::shared().create_database();
    let node = Node::with_feed(&url, 1).await;
    let (jane, john) = (node.app.register("jane").await.id, node.app.register("john").await.id);
    for change in [
        "number = DEFAULT",
        "username = 'janet'",
        "email = 'jane@mail.example'",
        "email_verified = true",
        "display_name = 'Jane'",
        "phone_number = '+15550100199'",
        "status = 'suspended'",
        "roles = 'editor'",
        "created_at = created_at - interval '1 day'",
    ] {
        let before = node.find_recent(jane).await;
        node.sql(&format!("UPDATE accounts SET {change} WHERE id = '{jane}'"));
        assert_ne!(node.stored(jane).await, before);
        node.assert_current(jane, change).await;
    }
    node.until_cached(john).await;
    node.sql("SELECT pg_notify('changed_users', 'not a user')");
    node.assert_current(john, "a notification without a user").await;
    node.sql(&format!("DELETE FROM accounts WHERE id = '{jane}'"));
    node.assert_current(jane, "a deletion").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_among_sessions_that_end_at_the_same_time() {
    let url = TestPostgres::shared().create_database();
    let node = Node::with_feed(&url, 1).await;
    let mut users = Vec::new();
    let mut changes = Vec::new();
    for number in 0..200 {
        let user = node.app.register(&format!("user{number}")).await.id;
        assert!(node.find_recent(user).await.is_some());
        changes.push(format!(
            "BEGIN; NOTIFY revoked_sessions; UPDATE accounts SET roles = 'editor' WHERE id = '{user}'; COMMIT;"
        ));
        users.push(user);
    }
    node.sql(&changes.concat());
    for user in users {
        node.assert_current(user, "another role").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_user_columns_notify_and_a_login_does_not() {
    let url = TestPostgres::shared().create_database();
    let node = Node::with_feed(&url, 1).await;
    let silent = "SELECT string_agg(name, ' ' ORDER BY name) FROM (
                      SELECT column_name AS name FROM information_schema.columns
                      WHERE table_name = 'accounts'
                      EXCEPT SELECT event_object_column FROM information_schema.triggered_update_columns
                      WHERE event_object_table = 'accounts') AS silent";
    assert_eq!(node.sql(silent), "password_hash password_version");

    let (jane, john) = (node.app.register("jane").await.id, node.app.register("john").await.id);
    node.until_cached(jane).await;
    node.until_cached(john).await;
    node.app.log_in("jane").await;
    node.sql(&format!("UPDATE accounts SET password_hash = 'better' WHERE id = '{jane}'"));
    // Notifications arrive in the order of commits: after this one, each earlier one has arrived too.
    node.sql(&format!("UPDATE accounts SET roles = 'editor' WHERE id = '{john}'"));
    node.assert_current(john, "another role").await;
    assert_ne!(node.find_recent(jane).await, node.stored(jane).await, "the user is not cached any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_feed_every_read_goes_to_the_store() {
    let url = TestPostgres::shared().create_database();
    let node = Node::without_feed(&url, 1).await;
    let jane = node.app.register("jane").await.id;
    for _ in 0..5 {
        assert!(!node.has_cached(jane).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_empties_the_cache() {
    let url = TestPostgres::shared().create_database();
    let node = Node::with_feed(&url, 1).await;
    let jane = node.app.register("jane").await.id;
    for _ in 0..2 {
        node.until_cached(jane).await;
        // `until_cached` made a change without a notification, so only the lost connection removes the entry.
        node.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        node.assert_current(jane, "a change before a lost connection").await;
    }
    node.until_cached(jane).await;
    node.sql(&format!("UPDATE accounts SET roles = 'editor' WHERE id = '{jane}'"));
    node.assert_current(jane, "a change on the next connection").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_turns_the_cache_off_after_five_seconds() {
    let postgres = TestPostgres::start();
    let node = Node::without_feed(&postgres.create_database(), 1).await;
    node.start_feed().await;
    let jane = node.app.register("jane").await;
    sleep(Duration::from_secs(1)).await;
    let users = node.app.store.users();
    assert_eq!(node.find_recent(jane.id).await, Some(jane.clone()));
    postgres.pause();
    let paused = Instant::now();
    assert_eq!(node.find_recent(jane.id).await, Some(jane.clone()), "the user is not cached");
    assert!(paused.elapsed() < Duration::from_millis(500), "the read went to the server");
    sleep(Duration::from_millis(5_200).saturating_sub(paused.elapsed())).await;
    let result = users.find_recent(jane.id).await;
    assert!(matches!(result, Err(PortError::Unavailable(_))), "{result:?}");
    postgres.resume();
    assert_eq!(node.find_recent(jane.id).await, Some(jane));
}
