//! Tests that only PostgreSQL needs: a server that is unavailable, silent, restarted or busy, and several nodes.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::time::{Duration, Instant};

use auth_domain::model::{
    AuditAction, AuditEvent, AuditOutcome, AuditedCaller, ClientId, NewSession, PasswordVersion, Roles,
    SecretDigest, Session, SessionId, Timestamp, UserId, UserStatus,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{AuditRepository, OpenOutcome, PortError};
use auth_domain::use_cases::RefreshSessionError;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::store::StoreError;
use futures_util::future::join_all;
use test_postgres::TestPostgres;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use stores::{
    TestApp, assert_error_names_no_value, assert_one_successor, assert_unavailable, migration_files,
};

/// The longest time that a call may take.
const CALL_TIMEOUT: Duration = Duration::from_millis(3_500);

fn connect(url: &str, max_connections: u32) -> PostgresStore {
    PostgresStore::connect(&PostgresSettings { max_connections, ..PostgresSettings::new(url) })
        .expect("a store")
}

async fn migrated(url: &str, max_connections: u32) -> PostgresStore {
    let store = connect(url, max_connections);
    store.migrate().await.expect("migrated");
    store
}

fn sql(url: &str, statement: &str) -> String {
    TestPostgres::shared().query(url, statement).expect("an answer")
}

fn event(action: AuditAction) -> AuditEvent {
    AuditEvent {
        at: Timestamp::from_unix_seconds(1),
        merged: None,
        action,
        outcome: AuditOutcome::Succeeded,
        user: None,
        session: None,
        client: None,
        caller: AuditedCaller::default(),
        detail: None,
    }
}

/// Opens as many connections as the pool may have.
async fn warm_up(app: &TestApp) {
    for answer in join_all((0..40).map(|_| app.find("jane"))).await {
        answer.expect("an answer");
    }
}

#[tokio::test]
async fn stored_data_survives_a_restart() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 5).await, 1);
    let jane = app.register("jane").await;
    let first = app.log_in("jane").await;
    let second = app.refresh(&first).await.expect("refreshed");
    app.store.close().await;
    assert_unavailable(Duration::from_millis(100), app.find("jane")).await;

    let app = TestApp::new(migrated(&url, 5).await, 2);
    assert_eq!(app.find("jane").await.expect("found"), Some(jane));
    assert_eq!(app.refresh(&first).await.expect("a retry"), second);
    app.refresh(&second).await.expect("refreshed");
}

#[tokio::test]
async fn migrations_are_planned_exactly_and_run_once() {
    let url = TestPostgres::shared().create_database();
    let store = connect(&url, 2);
    assert_eq!(store.pending_migrations().await.expect("a plan"), migration_files("postgres"));
    assert_eq!(sql(&url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
    assert_unavailable(CALL_TIMEOUT, store.check()).await;

    store.migrate().await.expect("migrated");
    store.migrate().await.expect("migrated again");
    assert!(store.pending_migrations().await.expect("a plan").is_empty());
    store.check().await.expect("available");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_migrate_once() {
    let url = TestPostgres::shared().create_database();
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let store = connect(&url, 2);
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for start in starts {
        start.await.expect("no panic").expect("migrated");
    }
    connect(&url, 2).check().await.expect("available");
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let url = TestPostgres::shared().create_database();
    let store = migrated(&url, 2).await;
    sql(&url, "INSERT INTO _sqlx_migrations VALUES (99, 'later', now(), true, '', 0)");
    let known = migration_files("postgres").last().expect("a migration").0;
    for error in
        [store.migrate().await.expect_err("newer"), store.pending_migrations().await.expect_err("newer")]
    {
        assert!(
            matches!(error, StoreError::Newer { found: 99, known: newest } if newest == known),
            "{error}"
        );
    }

    sql(&url, "DELETE FROM _sqlx_migrations WHERE version = 99");
    sql(&url, "UPDATE _sqlx_migrations SET checksum = '' WHERE version = 2");
    for error in
        [store.migrate().await.expect_err("foreign"), store.pending_migrations().await.expect_err("foreign")]
    {
        assert!(matches!(error, StoreError::Foreign(2)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_issue_one_successor_under_serializable_default() {
    let url = TestPostgres::shared().create_database();
    let name = url.rsplit('/').next().expect("a name");
    sql(&url, &format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"));
    let (one, other) = (TestApp::new(migrated(&url, 10).await, 1), TestApp::new(migrated(&url, 10).await, 2));
    one.register("jane").await;
    assert_one_successor(&[&one, &other], "jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_tolerates_a_server_that_starts_late_or_stops() {
    let postgres = TestPostgres::start();
    let url = postgres.create_database();
    postgres.stop();
    let app = TestApp::new(connect(&url, 5), 1);
    assert_unavailable(CALL_TIMEOUT, app.find("jane")).await;
    assert!(matches!(app.store.migrate().await, Err(StoreError::Port(PortError::Unavailable(_)))));

    postgres.restart();
    app.store.migrate().await.expect("migrated");
    let jane = app.register("jane").await;
    let token = app.log_in("jane").await;
    warm_up(&app).await;

    postgres.stop();
    let calls = join_all((0..20).map(|_| assert_unavailable(CALL_TIMEOUT, app.find("jane"))));
    let users = app.store.users();
    tokio::join!(
        calls,
        assert_unavailable(CALL_TIMEOUT, users.delete(jane.id)),
        assert_unavailable(Duration::from_millis(2_200), app.store.check()),
    );

    postgres.restart();
    let answers = join_all((0..20).map(|_| app.find("jane"))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Some(found)) if *found == jane)), "{answers:?}");
    app.refresh(&token).await.expect("refreshed");
    app.store.check().await.expect("available");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_do_not_notice_a_restart_between_two_calls() {
    let postgres = TestPostgres::start();
    let app = TestApp::new(migrated(&postgres.create_database(), 5).await, 1);
    app.register("jane").await;
    let june = app.register("june").await;
    let mut token = app.log_in("jane").await;
    for round in 0..3 {
        warm_up(&app).await;
        postgres.restart();
        // All pooled connections are broken now, so reads and writes need new ones.
        let roles = Roles::parse(&format!("round{round}")).expect("roles");
        let store = app.store.users();
        let (found, set, next, _) = tokio::join!(
            join_all((0..10).map(|_| app.find("jane"))),
            store.set_roles(june.id, &roles, june.created_at),
            app.refresh(&token),
            app.log_in("jane"),
        );
        assert!(found.iter().all(|answer| matches!(answer, Ok(Some(_)))), "{found:?}");
        assert_eq!(set.expect("set").expect("june").roles, roles);
        token = next.expect("refreshed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_times_out_and_costs_no_connection() {
    let postgres = TestPostgres::start();
    let app = TestApp::new(migrated(&postgres.create_database(), 3).await, 1);
    let jane = app.register("jane").await;
    let roles = Roles::parse("later").expect("roles");
    warm_up(&app).await;
    for _ in 0..2 {
        postgres.pause();
        let reads = join_all((0..6).map(|_| assert_unavailable(CALL_TIMEOUT, app.find("jane"))));
        let store = app.store.users();
        let write = assert_unavailable(CALL_TIMEOUT, store.set_roles(jane.id, &roles, jane.created_at));
        tokio::join!(reads, write);
        assert_unavailable(Duration::from_millis(2_200), app.store.check()).await;
        postgres.resume();
        warm_up(&app).await;
    }
    assert_eq!(
        app.find("jane").await.expect("found"),
        Some(jane),
        "a write without an acknowledgement has taken effect"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_on_a_locked_row_or_an_exhausted_pool_fail_in_time() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 1).await, 1);
    let jane = app.register("jane").await;
    let hold = format!("BEGIN; SELECT FROM accounts WHERE id = '{}' FOR UPDATE; SELECT pg_sleep(6)", jane.id);
    let holder = spawn_blocking(move || sql(&url, &hold));
    sleep(Duration::from_millis(500)).await;

    let store = app.store.users();
    let roles = Roles::default();
    let started = Instant::now();
    let calls = join_all(
        (0..8).map(|_| assert_unavailable(CALL_TIMEOUT, store.set_roles(jane.id, &roles, jane.created_at))),
    );
    let check = async {
        sleep(Duration::from_millis(50)).await;
        assert_unavailable(Duration::from_millis(2_200), app.store.check()).await;
    };
    tokio::join!(calls, check);
    assert!(started.elapsed() < CALL_TIMEOUT);
    assert!(app.find("jane").await.expect("reads do not wait for the lock").is_some());

    holder.await.expect("released");
    app.store.check().await.expect("available");
    store.set_roles(jane.id, &roles, jane.created_at).await.expect("set").expect("jane");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_leaves_no_open_transaction() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 2).await, 1);
    let jane = app.register("jane").await;
    for delay in (0..40).map(|step| Duration::from_micros(step * 100)) {
        let roles = Roles::parse("gone").expect("roles");
        // The timeout drops the call at various points: while it waits for a connection, a lock, or the commit.
        let _ =
            tokio::time::timeout(delay, app.store.users().set_roles(jane.id, &roles, jane.created_at)).await;
    }
    warm_up(&app).await;
    sleep(Duration::from_millis(200)).await;
    let idle = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(sql(&url, idle), "0");
    app.store
        .users()
        .set_roles(jane.id, &Roles::default(), jane.created_at)
        .await
        .expect("set")
        .expect("jane");
}

#[tokio::test]
async fn a_read_only_server_is_not_ready() {
    let url = TestPostgres::shared().create_database();
    migrated(&url, 2).await;
    let name = url.rsplit('/').next().expect("a name");
    sql(&url, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let store = connect(&url, 2);
    assert_unavailable(CALL_TIMEOUT, store.check()).await;
    let user = UserId(sqlx::types::Uuid::nil());
    let users = auth_infra::store::Store::from(store).users();
    assert_unavailable(CALL_TIMEOUT, users.delete(user)).await;
}

#[tokio::test]
async fn a_rejected_database_login_names_no_password() {
    let url = TestPostgres::shared().create_database();
    let (_, address) = url.split_once('@').or_else(|| url.split_once("://")).expect("an address");
    let wrong = format!("postgres://unknown_role:hunter2@{address}");
    let store = connect(&wrong, 1);
    let error = store.check().await.expect_err("refused");
    let StoreError::Port(migrate) = store.migrate().await.expect_err("refused") else {
        panic!("not a port error")
    };
    for error in [error, migrate] {
        let PortError::Unavailable(cause) = error else { panic!("{error:?}") };
        let printed = format!("{cause} {cause:?}");
        assert!(!printed.contains("hunter2") && printed.contains("unknown_role"), "{printed}");
    }
}

#[tokio::test]
async fn an_error_names_no_value() {
    let url = TestPostgres::shared().create_database();
    assert_error_names_no_value(&TestApp::new(migrated(&url, 2).await, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_retried_by_the_store() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 2).await, 1);
    let jane = app.register("jane").await;
    let token = app.log_in("jane").await;
    // The other transaction locks in the opposite order and starts to wait after the store does. The server then rolls
    // back the store's transaction; otherwise the other one would fail.
    let crossed = "BEGIN; SELECT FROM sessions FOR UPDATE; SELECT pg_sleep(0.9);
                   SELECT FROM accounts FOR UPDATE; COMMIT";
    let other = spawn_blocking(move || sql(&url, crossed));
    sleep(Duration::from_millis(300)).await;
    let users = app.store.users();
    let suspended =
        users.set_status(jane.id, UserStatus::Suspended, jane.created_at).await.expect("no error");
    assert_eq!(suspended.expect("jane").status, UserStatus::Suspended);
    other.await.expect("the other transaction committed");
    assert!(app.refresh(&token).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_sees_an_end_that_is_committed_while_it_waits() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 2).await, 1);
    app.register("jane").await;
    let token = app.log_in("jane").await;
    // The refresh finds the session live, and then waits for the lock on its row.
    let ending = "BEGIN; UPDATE sessions SET ended_at = now(), end_reason = 'logged_out';
                  SELECT pg_sleep(0.7); COMMIT";
    let (end_url, ending) = (url.clone(), spawn_blocking(move || sql(&url, ending)));
    sleep(Duration::from_millis(300)).await;
    let refreshed = app.refresh(&token).await;
    assert!(matches!(refreshed, Err(RefreshSessionError::InvalidToken)), "{refreshed:?}");
    ending.await.expect("ended");
    let unchanged = "SELECT count(*) FROM sessions WHERE NOT has_consumed";
    assert_eq!(sql(&end_url, unchanged), "1", "the token was consumed");
}

#[tokio::test]
async fn a_cancelled_refresh_is_not_carried_out_later() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 2).await, 1);
    app.register("jane").await;
    let token = app.log_in("jane").await;
    let holding = "BEGIN; UPDATE sessions SET id = id; SELECT pg_sleep(0.7); COMMIT";
    let (used_url, holding) = (url.clone(), spawn_blocking(move || sql(&url, holding)));
    sleep(Duration::from_millis(300)).await;
    let cancelled_call = tokio::time::timeout(Duration::from_millis(200), app.refresh(&token)).await;
    assert!(cancelled_call.is_err(), "{cancelled_call:?}");
    holding.await.expect("held");
    sleep(Duration::from_millis(300)).await;
    let used = "SELECT count(*) FROM sessions WHERE has_consumed";
    assert_eq!(sql(&used_url, used), "0");
}

#[tokio::test]
async fn audit_events_wait_for_the_lock_and_can_be_cancelled() {
    let url = TestPostgres::shared().create_database();
    let store = migrated(&url, 2).await;
    let holding = "BEGIN; SELECT pg_advisory_xact_lock(418581342580); SELECT pg_sleep(0.7); COMMIT";
    let (held_url, holding) = (url.clone(), spawn_blocking(move || sql(&url, holding)));
    // The condition on the database excludes the locks of other tests on the same server.
    let held = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                WHERE locktype = 'advisory' AND granted AND datname = current_database()";
    while sql(&held_url, held) == "0" {
        sleep(Duration::from_millis(10)).await;
    }
    let cancelled = [event(AuditAction::UserLoggedIn)];
    let cancelled_call = tokio::time::timeout(Duration::from_millis(200), store.append(&cancelled)).await;
    assert!(cancelled_call.is_err(), "{cancelled_call:?}");
    let waiting = [event(AuditAction::UserLoggedOut), event(AuditAction::UserRegistered)];
    store.append(&waiting).await.expect("appended");
    holding.await.expect("held");
    store.append(&cancelled).await.expect("appended");
    let actions = "SELECT string_agg(action, ' ' ORDER BY id) FROM audit_events";
    let expected = [AuditAction::UserLoggedOut, AuditAction::UserRegistered, AuditAction::UserLoggedIn];
    assert_eq!(sql(&held_url, actions), expected.map(AuditAction::as_str).join(" "));
}

#[tokio::test]
async fn a_repeated_open_creates_one_session() {
    let url = TestPostgres::shared().create_database();
    let app = TestApp::new(migrated(&url, 2).await, 1);
    let jane = app.register("jane").await;
    let session = Session {
        id: SessionId(sqlx::types::Uuid::from_u128(1)),
        user_id: jane.id,
        client_id: ClientId::from_static("test"),
        created_at: jane.created_at,
        last_refreshed_at: jane.created_at,
        expires_at: jane.created_at.plus(Duration::from_secs(60)),
        end: None,
    };
    let new = NewSession {
        session,
        family: SecretDigest::from_bytes([1; 32]),
        credential: SecretDigest::from_bytes([2; 32]),
        password_version: PasswordVersion(0),
        roles: jane.roles,
    };
    let mut policy = SessionPolicy::default();
    policy.max_live = 1;
    let sessions = app.store.sessions();
    for _ in 0..2 {
        assert_eq!(sessions.open(&new, &policy).await.expect("no error"), OpenOutcome::Opened);
    }
    assert_eq!(sql(&url, "SELECT count(*) FROM sessions"), "1");
    let other = NewSession { family: SecretDigest::from_bytes([3; 32]), ..new };
    assert!(sessions.open(&other, &policy).await.is_err(), "another session with the same id was accepted");
}
