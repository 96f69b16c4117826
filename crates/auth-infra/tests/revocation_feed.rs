//! What each store's own watch adds to its contract: ends that come from elsewhere, and a store that is away.
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
use auth_infra::store::Store;
use auth_infra::system::SystemClock;
use sqlx::types::Uuid;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use test_postgres::TestPostgres;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
/// The promise is a second; the machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(5);

/// A store that is watched, with a user.
struct Watched {
    store: Store,
    revocations: Arc<dyn RevocationFeed>,
    user: UserId,
    made: u128,
}

impl Watched {
    async fn over(store: Store) -> Self {
        store.migrate().await.expect("migrated");
        let kept = store.clone();
        tokio::spawn(async move { kept.sync_revocations().await });
        let user = NewUser {
            id: UserId(Uuid::from_u128(1)),
            identifiers: Identifiers::new(Some(Username::parse("jane").expect("a name")), None).expect("one"),
            display_name: None,
            phone_number: None,
            roles: Roles::default(),
            password_hash: PasswordHash::new("hash".to_owned()),
            created_at: SystemClock.now(),
        };
        let registered = store.users().register(&user).await.expect("no fault");
        assert!(matches!(registered, RegisterOutcome::Registered(_)));
        let watched = Self { revocations: store.revocations(), store, user: user.id, made: 1 };
        watched.until(SessionId(Uuid::nil()), SessionState::Live).await;
        watched
    }

    /// A session that begins at `at`.
    async fn open(&mut self, at: Timestamp) -> SessionId {
        self.made += 1;
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&self.made.to_be_bytes());
        let session = Session {
            id: SessionId(Uuid::from_u128(self.made)),
            user_id: self.user,
            client_id: ClientId::from_static("test"),
            created_at: at,
            last_refreshed_at: at,
            expires_at: at.plus(SessionPolicy::default().absolute),
            end: None,
        };
        let id = session.id;
        let credential = SecretDigest::from_bytes(digest);
        let new =
            NewSession { session, credential, password_version: PasswordVersion(0), roles: Roles::default() };
        let opened = self.store.sessions().open(&new, &SessionPolicy::default()).await.expect("no fault");
        assert_eq!(opened, OpenOutcome::Opened);
        id
    }

    async fn open_now(&mut self) -> SessionId {
        self.open(SystemClock.now()).await
    }

    /// Waits until the session stands so.
    async fn until(&self, session: SessionId, session_state: SessionState) {
        let began = Instant::now();
        while self.revocations.session_state(session) != session_state {
            assert!(
                began.elapsed() < 4 * SOON,
                "{:?} not {session_state:?}",
                self.revocations.session_state(session)
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// That an end from elsewhere is seen in time.
    async fn assert_seen(&self, session: SessionId) {
        let began = Instant::now();
        self.until(session, SessionState::Ended).await;
        assert!(began.elapsed() < SOON, "after {:?}", began.elapsed());
    }

    async fn purge(&self) {
        let sessions = self.store.sessions();
        while sessions.purge(SystemClock.now(), &SessionPolicy::default(), 100).await.expect("no fault") > 0 {
        }
    }
}

async fn on_postgres(url: &str) -> Watched {
    let settings = PostgresSettings { max_connections: 3, ..PostgresSettings::new(url) };
    Watched::over(PostgresStore::connect(&settings).expect("a store").into()).await
}

async fn on_sqlite(home: &TempDir) -> Watched {
    let settings = SqliteSettings::new(home.path().join("auth.db"));
    Watched::over(SqliteStore::connect(&settings).expect("a store").into()).await
}

fn sql(url: &str, statement: &str) -> String {
    TestPostgres::shared().query(url, statement).expect("an answer")
}

fn end(session: SessionId) -> String {
    format!("UPDATE sessions SET ended_at = now(), end_reason = 'logged_out' WHERE id = '{session}'")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_anybodys_sql_is_seen_on_postgres() {
    let url = TestPostgres::shared().create_database();
    let mut watched = on_postgres(&url).await;
    let (ended, deleted, other) =
        (watched.open_now().await, watched.open_now().await, watched.open_now().await);
    sql(&url, &end(ended));
    watched.assert_seen(ended).await;
    sql(&url, &format!("DELETE FROM sessions WHERE id = '{deleted}'"));
    watched.assert_seen(deleted).await;
    assert_eq!(watched.revocations.session_state(other), SessionState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_by_anybodys_sql_is_seen_on_sqlite() {
    let home = TempDir::new().expect("a directory");
    let mut watched = on_sqlite(&home).await;
    let (ended, deleted, other) =
        (watched.open_now().await, watched.open_now().await, watched.open_now().await);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.path().join("auth.db"));
    let mut stranger = sqlx::SqliteConnection::connect_with(&options).await.expect("a connection");
    let end = "UPDATE sessions SET ended_at = 1, end_reason = 'logged_out' WHERE id = ?1";
    stranger.execute(sqlx::query(end).bind(ended.0)).await.expect("ended");
    watched.assert_seen(ended).await;
    stranger
        .execute(sqlx::query("DELETE FROM sessions WHERE id = ?1").bind(deleted.0))
        .await
        .expect("deleted");
    watched.assert_seen(deleted).await;
    assert_eq!(watched.revocations.session_state(other), SessionState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_committed_long_after_it_was_made_is_seen() {
    let url = TestPostgres::shared().create_database();
    let mut watched = on_postgres(&url).await;
    let (slow, quick) = (watched.open_now().await, watched.open_now().await);
    let transaction = format!("BEGIN; {}; SELECT pg_sleep(4); COMMIT", end(slow));
    let server = url.clone();
    let slowly = spawn_blocking(move || sql(&server, &transaction));
    sleep(SECOND).await;
    sql(&url, &end(quick));
    watched.assert_seen(quick).await;
    assert_eq!(watched.revocations.session_state(slow), SessionState::Live, "it has not been committed");
    slowly.await.expect("committed");
    watched.assert_seen(slow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_seen_without_the_bell_and_without_the_connection() {
    let url = TestPostgres::shared().create_database();
    let mut watched = on_postgres(&url).await;
    let silent = watched.open_now().await;
    sql(&url, &format!("INSERT INTO revoked_sessions (session_id) VALUES ('{silent}')"));
    watched.assert_seen(silent).await;

    let cut = watched.open_now().await;
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql(&url, &format!("{terminate}; {}", end(cut)));
    watched.assert_seen(cut).await;
    let later = watched.open_now().await;
    sql(&url, &end(later));
    watched.assert_seen(later).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_not_believed_for_longer_than_five_seconds() {
    let postgres = TestPostgres::start();
    let url = postgres.create_database();
    let mut watched = on_postgres(&url).await;
    let (live, ended) = (watched.open_now().await, watched.open_now().await);
    let sessions = watched.store.sessions();
    assert!(sessions.end(ended, EndReason::LoggedOut, SystemClock.now()).await.expect("no fault").is_some());
    postgres.pause();
    let paused = Instant::now();
    while paused.elapsed() < 4 * SECOND {
        assert_eq!(watched.revocations.session_state(live), SessionState::Live);
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_millis(5_200).saturating_sub(paused.elapsed())).await;
    for _ in 0..50 {
        assert_eq!(watched.revocations.session_state(live), SessionState::Unknown);
        assert_eq!(watched.revocations.session_state(ended), SessionState::Ended, "an end is an end");
        sleep(Duration::from_millis(20)).await;
    }
    postgres.resume();
    watched.until(live, SessionState::Live).await;
    postgres.query(&url, &end(live)).expect("ended");
    watched.assert_seen(live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ends_that_an_access_token_could_outlive_are_recorded_and_they_are_forgotten_in_time() {
    let url = TestPostgres::shared().create_database();
    let mut watched = on_postgres(&url).await;
    let day = 24 * 3_600 * SECOND;
    let idle = watched.open(SystemClock.now().minus(15 * day)).await;
    let old = watched.open(SystemClock.now().minus(2 * day)).await;
    let recent = watched.open(SystemClock.now().minus(day)).await;
    let sessions = watched.store.sessions();
    for session in [old, recent] {
        assert!(
            sessions.end(session, EndReason::LoggedOut, SystemClock.now()).await.expect("no fault").is_some()
        );
    }
    watched.purge().await;
    assert_eq!(
        sql(&url, "SELECT session_id FROM revoked_sessions"),
        recent.to_string(),
        "neither {idle} nor {old}"
    );
    for (age, left) in [("24.9 hours", "1"), ("25.1 hours", "0")] {
        sql(&url, &format!("UPDATE revoked_sessions SET recorded_at = now() - interval '{age}'"));
        watched.purge().await;
        assert_eq!(sql(&url, "SELECT count(*) FROM revoked_sessions"), left, "{age}");
    }
}
