//! Cached users on PostgreSQL, and changes of users by other processes.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::time::{Duration, Instant};

use auth_domain::model::{
    DisplayName, EmailAddress, PhoneNumber, Roles, SessionId, User, UserChanges, UserId, UserRef, UserStatus,
    Username,
};
use auth_domain::ports::{PortError, SessionState};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use test_postgres::TestPostgres;
use tokio::time::sleep;

use stores::World;

/// The promised time is 1 s, but the machine may be busy with other tests. No other mechanism is as fast.
const SOON: Duration = Duration::from_secs(5);

/// A node and the users that it returns.
struct Node {
    world: World,
    url: String,
}

impl Node {
    /// A node whose feed is running and whose cache is on.
    async fn watching(url: &str, seed: u64) -> Self {
        let node = Self::blind(url, seed).await;
        let kept = node.world.store.clone();
        tokio::spawn(async move { kept.sync_revocations().await });
        let unknown = SessionId(sqlx::types::Uuid::nil());
        while node.world.store.revocations().session_state(unknown) != SessionState::Live {
            sleep(Duration::from_millis(5)).await;
        }
        let probe = node.world.register(&format!("probe{seed}")).await.id;
        node.until_known(probe).await;
        node
    }

    async fn blind(url: &str, seed: u64) -> Self {
        let settings = PostgresSettings { max_connections: 3, ..PostgresSettings::new(url) };
        let store = PostgresStore::connect(&settings).expect("a store");
        store.migrate().await.expect("migrated");
        Self { world: World::over(store, seed), url: url.to_owned() }
    }

    async fn shown(&self, user: UserId) -> Option<User> {
        self.world.store.users().find_recent(user).await.expect("no fault")
    }

    async fn stored(&self, user: UserId) -> Option<User> {
        self.world.store.users().find(&UserRef::Id(user)).await.expect("no fault")
    }

    fn sql(&self, statement: &str) -> String {
        TestPostgres::shared().query(&self.url, statement).expect("an answer")
    }

    /// Whether the node caches the user: then it does not see a change without a notification.
    async fn knows(&self, user: UserId) -> bool {
        let before = self.shown(user).await;
        self.change_in_silence(user);
        self.shown(user).await == before
    }

    /// A change without a notification.
    fn change_in_silence(&self, user: UserId) {
        self.sql(&format!(
            "BEGIN; ALTER TABLE accounts DISABLE TRIGGER USER;
             UPDATE accounts SET display_name = 'at ' || clock_timestamp() WHERE id = '{user}';
             ALTER TABLE accounts ENABLE TRIGGER USER; COMMIT"
        ));
    }

    async fn until_known(&self, user: UserId) {
        let began = Instant::now();
        while !self.knows(user).await {
            assert!(began.elapsed() < 2 * SOON, "no user is cached");
        }
    }

    /// Asserts that the node returns the stored user within a second.
    async fn assert_shown(&self, user: UserId, why: &str) {
        let (stored, began) = (self.stored(user).await, Instant::now());
        while self.shown(user).await != stored {
            assert!(began.elapsed() < SOON, "{why} is not seen");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_another_node_is_shown_within_a_second() {
    let url = TestPostgres::shared().create_database();
    let (one, other) = (Node::watching(&url, 1).await, Node::watching(&url, 2).await);
    let jane = one.world.register("jane").await;
    let (users, at) = (other.world.store.users(), jane.created_at);
    for changes in [
        UserChanges { username: Username::parse("Janet").ok(), ..UserChanges::default() },
        UserChanges { email: EmailAddress::parse("jane@mail.example").ok(), ..UserChanges::default() },
        UserChanges { display_name: DisplayName::parse("Jane").ok(), ..UserChanges::default() },
        UserChanges { phone_number: PhoneNumber::parse("+15550100199").ok(), ..UserChanges::default() },
    ] {
        let before = one.shown(jane.id).await;
        users.update(jane.id, &changes, at).await.expect("no fault");
        assert_ne!(one.stored(jane.id).await, before);
        one.assert_shown(jane.id, &format!("{changes:?}")).await;
    }
    users.set_roles(jane.id, &Roles::parse("editor").expect("roles"), at).await.expect("no fault");
    one.assert_shown(jane.id, "another role").await;
    for status in [UserStatus::Suspended, UserStatus::Active] {
        users.set_status(jane.id, status, at).await.expect("no fault");
        one.assert_shown(jane.id, status.as_str()).await;
    }
    one.until_known(jane.id).await;
    assert!(users.delete(jane.id).await.expect("no fault"));
    one.assert_shown(jane.id, "a deletion").await;
    assert_eq!(one.shown(jane.id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_plain_sql_is_shown_within_a_second() {
    let url = TestPostgres::shared().create_database();
    let node = Node::watching(&url, 1).await;
    let (jane, john) = (node.world.register("jane").await.id, node.world.register("john").await.id);
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
        let before = node.shown(jane).await;
        node.sql(&format!("UPDATE accounts SET {change} WHERE id = '{jane}'"));
        assert_ne!(node.stored(jane).await, before);
        node.assert_shown(jane, change).await;
    }
    node.until_known(john).await;
    node.sql("SELECT pg_notify('changed_users', 'unknown')");
    node.assert_shown(john, "a change of an unknown user").await;
    node.sql(&format!("DELETE FROM accounts WHERE id = '{jane}'"));
    node.assert_shown(jane, "a deletion").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_among_sessions_that_end_at_the_same_time() {
    let url = TestPostgres::shared().create_database();
    let node = Node::watching(&url, 1).await;
    let mut users = Vec::new();
    let mut changes = Vec::new();
    for number in 0..200 {
        let user = node.world.register(&format!("user{number}")).await.id;
        assert!(node.shown(user).await.is_some());
        changes.push(format!(
            "BEGIN; NOTIFY revoked_sessions; UPDATE accounts SET roles = 'editor' WHERE id = '{user}'; COMMIT;"
        ));
        users.push(user);
    }
    node.sql(&changes.concat());
    for user in users {
        node.assert_shown(user, "another role").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_shown_columns_notify_and_a_login_does_not() {
    let url = TestPostgres::shared().create_database();
    let node = Node::watching(&url, 1).await;
    let untold = "SELECT string_agg(name, ' ' ORDER BY name) FROM (
                      SELECT column_name AS name FROM information_schema.columns
                      WHERE table_name = 'accounts'
                      EXCEPT SELECT event_object_column FROM information_schema.triggered_update_columns
                      WHERE event_object_table = 'accounts') AS untold";
    assert_eq!(node.sql(untold), "password_hash password_version");

    let (jane, john) = (node.world.register("jane").await.id, node.world.register("john").await.id);
    node.until_known(jane).await;
    node.until_known(john).await;
    node.world.log_in("jane").await;
    node.sql(&format!("UPDATE accounts SET password_hash = 'better' WHERE id = '{jane}'"));
    // Notifications arrive in the order of commits: after this one, all earlier ones have been processed.
    node.sql(&format!("UPDATE accounts SET roles = 'editor' WHERE id = '{john}'"));
    node.assert_shown(john, "another role").await;
    assert_ne!(node.shown(jane).await, node.stored(jane).await, "she is known still");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_feed_every_read_goes_to_the_store() {
    let url = TestPostgres::shared().create_database();
    let node = Node::blind(&url, 1).await;
    let jane = node.world.register("jane").await.id;
    for _ in 0..5 {
        assert!(!node.knows(jane).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_empties_the_cache() {
    let url = TestPostgres::shared().create_database();
    let node = Node::watching(&url, 1).await;
    let jane = node.world.register("jane").await.id;
    for _ in 0..2 {
        node.until_known(jane).await;
        // The change is not notified, so the lost connection is what empties the cache.
        node.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        node.assert_shown(jane, "a loss").await;
    }
    node.until_known(jane).await;
    node.sql(&format!("UPDATE accounts SET roles = 'editor' WHERE id = '{jane}'"));
    node.assert_shown(jane, "a change on the next connection").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_turns_the_cache_off_after_five_seconds() {
    let postgres = TestPostgres::start();
    let node = Node::blind(&postgres.create_database(), 1).await;
    let kept = node.world.store.clone();
    tokio::spawn(async move { kept.sync_revocations().await });
    let jane = node.world.register("jane").await;
    let unknown = SessionId(sqlx::types::Uuid::nil());
    while node.world.store.revocations().session_state(unknown) != SessionState::Live {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_secs(1)).await;
    let users = node.world.store.users();
    assert_eq!(node.shown(jane.id).await, Some(jane.clone()));
    postgres.pause();
    let paused = Instant::now();
    assert_eq!(node.shown(jane.id).await, Some(jane.clone()), "she is known");
    assert!(paused.elapsed() < Duration::from_millis(500), "without asking");
    sleep(Duration::from_millis(5_200).saturating_sub(paused.elapsed())).await;
    let asked = users.find_recent(jane.id).await;
    assert!(matches!(asked, Err(PortError::Unavailable(_))), "{asked:?}");
    postgres.resume();
    assert_eq!(node.shown(jane.id).await, Some(jane));
}
