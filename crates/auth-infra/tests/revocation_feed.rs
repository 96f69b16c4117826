//! Tests the revocation feed of each store: sessions that another process ends, and an unavailable store.
#![cfg(all(feature = "postgres", feature = "sqlite", feature = "system"))]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::model::{ClientId, EndReason, SecretDigest, Session, SessionId, Timestamp, UserId};
use auth_domain::model::{Identifiers, NewSession, NewUser, PasswordHash, PasswordVersion, Roles, Username};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{Clock, OpenOutcome, RegisterOutcome, RevocationFeed, SessionState};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::{Cursor, EndedSessions, Store};
use auth_infra::system::SystemClock;
use sqlx::types::Uuid;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use test_postgres::TestPostgres;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
/// The documented bound is one second. The rest is a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// A store whose revocation feed is synced, with one user.
struct SyncedStore {
    store: Store,
    revocations: Arc<dyn RevocationFeed>,
    user: UserId,
    sessions_opened: u128,
}

impl SyncedStore {
    async fn new(store: Store) -> Self {
        store.migrate().await.expect("migrated");
        let syncing = store.clone();
        tokio::spawn(async move { syncing.sync_revocations().await });
        let user = NewUser {
            id: UserId(Uuid::from_u128(1)),
            identifiers: Identifiers::new(Some(Username::parse("jane").expect("a name")), None).expect("one"),
            display_name: None,
            phone_number: None,
            roles: Roles::default(),
            password_hash: Some(PasswordHash::new("hash".to_owned())),
            created_at: SystemClock.now(),
            metadata: None,
        };
        let registered = store.users().register(&user).await.expect("no error");
        assert!(matches!(registered, RegisterOutcome::Registered(_)));
        let store = Self { revocations: store.revocations(), store, user: user.id, sessions_opened: 1 };
        store.until(SessionId(Uuid::nil()), SessionState::Live).await;
        store
    }

    /// Opens a session that starts at `at`.
    async fn open(&mut self, at: Timestamp) -> SessionId {
        self.sessions_opened += 1;
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&self.sessions_opened.to_be_bytes());
        let session = Session {
            id: SessionId(Uuid::from_u128(self.sessions_opened)),
            user_id: self.user,
            client_id: ClientId::from_static("test"),
            created_at: at,
            last_refreshed_at: at,
            expires_at: at.plus(SessionPolicy::default().absolute),
            end: None,
        };
        let id = session.id;
        let new = NewSession {
            session,
            family: SecretDigest::from_bytes(digest),
            credential: SecretDigest::from_bytes(digest),
            password_version: PasswordVersion(0),
            roles: Roles::default(),
        };
        let opened = self.store.sessions().open(&new, &SessionPolicy::default()).await.expect("no error");
        assert_eq!(opened, OpenOutcome::Opened);
        id
    }

    async fn open_now(&mut self) -> SessionId {
        self.open(SystemClock.now()).await
    }

    /// Waits until the feed returns this state.
    async fn until(&self, session: SessionId, expected: SessionState) {
        let started = Instant::now();
        while self.revocations.session_state(session) != expected {
            assert!(
                started.elapsed() < 4 * SOON,
                "{:?} instead of {expected:?}",
                self.revocations.session_state(session)
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asserts that the end of the session is seen in time.
    async fn assert_end_seen(&self, session: SessionId) {
        let started = Instant::now();
        self.until(session, SessionState::Ended).await;
        assert!(started.elapsed() < SOON, "after {:?}", started.elapsed());
    }

    async fn purge(&self) {
        let sessions = self.store.sessions();
        while sessions.purge(SystemClock.now(), &SessionPolicy::default(), 100).await.expect("no error") > 0 {
        }
    }
}

async fn on_postgres(url: &str) -> SyncedStore {
    let settings = PostgresSettings { max_connections: 3, ..PostgresSettings::new(url) };
    SyncedStore::new(PostgresStore::connect(&settings).expect("a store").into()).await
}

async fn on_sqlite(directory: &TempDir) -> SyncedStore {
    let settings = SqliteSettings::new(directory.path().join("auth.db"));
    SyncedStore::new(SqliteStore::connect(&settings).expect("a store").into()).await
}

fn sql(url: &str, statement: &str) -> String {
    TestPostgres::shared().query(url, statement).expect("an answer")
}

fn end(session: SessionId) -> String {
    format!("UPDATE sessions SET ended_at = now(), end_reason = 'logged_out' WHERE id = '{session}'")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_plain_sql_is_seen_on_postgres() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let (ended, deleted, other) = (store.open_now().await, store.open_now().await, store.open_now().await);
    sql(&url, &end(ended));
    store.assert_end_seen(ended).await;
    sql(&url, &format!("DELETE FROM sessions WHERE id = '{deleted}'"));
    store.assert_end_seen(deleted).await;
    assert_eq!(store.revocations.session_state(other), SessionState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_plain_sql_is_seen_on_sqlite() {
    let directory = TempDir::new().expect("a directory");
    let mut store = on_sqlite(&directory).await;
    let (ended, deleted, other) = (store.open_now().await, store.open_now().await, store.open_now().await);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("auth.db"));
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("a connection");
    let end = "UPDATE sessions SET ended_at = 1, end_reason = 'logged_out' WHERE id = ?1";
    connection.execute(sqlx::query(end).bind(ended.0)).await.expect("ended");
    store.assert_end_seen(ended).await;
    connection
        .execute(sqlx::query("DELETE FROM sessions WHERE id = ?1").bind(deleted.0))
        .await
        .expect("deleted");
    store.assert_end_seen(deleted).await;
    assert_eq!(store.revocations.session_state(other), SessionState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_committed_late_is_seen() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let (slow, quick) = (store.open_now().await, store.open_now().await);
    let transaction = format!("BEGIN; {}; SELECT pg_sleep(4); COMMIT", end(slow));
    let server = url.clone();
    let slowly = spawn_blocking(move || sql(&server, &transaction));
    sleep(SECOND).await;
    sql(&url, &end(quick));
    store.assert_end_seen(quick).await;
    assert_eq!(store.revocations.session_state(slow), SessionState::Live, "the end is not committed yet");
    slowly.await.expect("committed");
    store.assert_end_seen(slow).await;
}

/// The next sessions of the feed, for which it waits.
async fn next_ended(feed: &EndedSessions, cursor: &mut Option<Cursor>) -> Vec<SessionId> {
    let page = feed.poll(cursor.as_ref(), 4 * SOON).await.expect("a page");
    *cursor = Some(page.next);
    page.sessions
}

#[tokio::test(flavor = "multi_thread")]
async fn late_commit_reaches_followers() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let feed = store.store.ended_sessions(Arc::new(SystemClock));
    let (slow, quick) = (store.open_now().await, store.open_now().await);
    let mut cursor = None;
    assert_eq!(next_ended(&feed, &mut cursor).await, []);
    let transaction = format!("BEGIN; {}; SELECT pg_sleep(3); COMMIT", end(slow));
    let server = url.clone();
    let slowly = spawn_blocking(move || sql(&server, &transaction));
    sleep(SECOND).await;
    sql(&url, &end(quick));
    assert_eq!(next_ended(&feed, &mut cursor).await, [quick]);
    assert_eq!(next_ended(&feed, &mut cursor).await, [slow], "and the quick one does not come again");
    slowly.await.expect("committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_restored_dump_reach_followers_once() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let feed = store.store.ended_sessions(Arc::new(SystemClock));
    let (restored, ended) = (store.open_now().await, store.open_now().await);
    let insert = "INSERT INTO revoked_sessions (session_id, recorded_by) VALUES";
    sql(&url, &format!("{insert} ('{restored}', '1099511627776'::xid8)"));
    store.assert_end_seen(restored).await;
    let mut cursor = None;
    assert_eq!(next_ended(&feed, &mut cursor).await, [restored]);
    sql(&url, &end(ended));
    assert_eq!(next_ended(&feed, &mut cursor).await, [ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_seen_without_notification_or_connection() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let silent = store.open_now().await;
    sql(&url, &format!("INSERT INTO revoked_sessions (session_id) VALUES ('{silent}')"));
    store.assert_end_seen(silent).await;

    let cut = store.open_now().await;
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql(&url, &format!("{terminate}; {}", end(cut)));
    store.assert_end_seen(cut).await;
    let later = store.open_now().await;
    sql(&url, &end(later));
    store.assert_end_seen(later).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_makes_states_unknown_after_five_seconds() {
    let postgres = TestPostgres::start();
    let url = postgres.create_database();
    let mut store = on_postgres(&url).await;
    let (live, ended) = (store.open_now().await, store.open_now().await);
    let sessions = store.store.sessions();
    assert!(sessions.end(ended, EndReason::LoggedOut, SystemClock.now()).await.expect("no error").is_some());
    postgres.pause();
    let paused = Instant::now();
    while paused.elapsed() < 4 * SECOND {
        assert_eq!(store.revocations.session_state(live), SessionState::Live);
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_millis(5_200).saturating_sub(paused.elapsed())).await;
    for _ in 0..50 {
        assert_eq!(store.revocations.session_state(live), SessionState::Unknown);
        assert_eq!(store.revocations.session_state(ended), SessionState::Ended, "a known end stays known");
        sleep(Duration::from_millis(20)).await;
    }
    postgres.resume();
    store.until(live, SessionState::Live).await;
    postgres.query(&url, &end(live)).expect("ended");
    store.assert_end_seen(live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_recent_ends_are_recorded_and_they_are_purged_in_time() {
    let url = TestPostgres::shared().create_database();
    let mut store = on_postgres(&url).await;
    let day = 24 * 3_600 * SECOND;
    let idle = store.open(SystemClock.now().minus(15 * day)).await;
    let old = store.open(SystemClock.now().minus(2 * day)).await;
    let recent = store.open(SystemClock.now().minus(day)).await;
    let sessions = store.store.sessions();
    for session in [old, recent] {
        assert!(
            sessions.end(session, EndReason::LoggedOut, SystemClock.now()).await.expect("no error").is_some()
        );
    }
    store.purge().await;
    assert_eq!(
        sql(&url, "SELECT session_id FROM revoked_sessions"),
        recent.to_string(),
        "a session other than the recent one is recorded (idle: {idle}, old: {old})"
    );
    for (age, left) in [("24.9 hours", "1"), ("25.1 hours", "0")] {
        sql(&url, &format!("UPDATE revoked_sessions SET recorded_at = now() - interval '{age}'"));
        store.purge().await;
        assert_eq!(sql(&url, "SELECT count(*) FROM revoked_sessions"), left, "{age}");
    }
}
