//! Tests the batches of concurrent calls on PostgreSQL: calls share a statement, and do not affect each other.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use auth_domain::ports::PortError;
use auth_domain::use_cases::RefreshSessionError;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use futures_util::future::join_all;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use test_postgres::TestPostgres;
use tokio::time::sleep;

use stores::TestApp;

/// The number of concurrent calls: fewer than the limit of one batch.
const MANY: usize = 40;

async fn test_app(url: &str) -> TestApp {
    let settings = PostgresSettings { max_connections: 4, ..PostgresSettings::new(url) };
    let store = PostgresStore::connect(&settings).expect("a store");
    store.migrate().await.expect("migrated");
    TestApp::new(store, 1)
}

/// A new database with one user, jane, and this number of refresh tokens of hers.
async fn app_with_tokens(tokens: usize) -> (String, TestApp, Vec<String>) {
    let url = TestPostgres::shared().create_database();
    let app = test_app(&url).await;
    app.register("jane").await;
    let tokens = log_in(&app, "jane", tokens).await;
    (url, app, tokens)
}

async fn log_in(app: &TestApp, name: &str, times: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for _ in 0..times {
        tokens.push(app.log_in(name).await);
    }
    tokens
}

async fn lock_sessions(url: &str) -> PgConnection {
    let mut holder = PgConnection::connect(url).await.expect("connected");
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions").execute(&mut holder).await.expect("locked");
    holder
}

/// Waits until this number of statements waits for the lock.
async fn until_waiting(holder: &mut PgConnection, statements: i64) {
    const WAITING: &str =
        "SELECT count(*) FROM pg_locks WHERE relation = 'sessions'::regclass AND NOT granted";
    // At least 1.5 seconds: no statement waits longer for a lock.
    for _ in 0..150 {
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut *holder).await.expect("a count");
        if waiting >= statements {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {statements} statements waited");
}

async fn release(mut holder: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.expect("released");
}

/// Starts all calls while the table is locked: at most two batches start, and the other calls wait for the next one.
fn begin<F: Future>(calls: impl Iterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    calls
}

async fn refresh_concurrently(
    url: &str,
    app: &TestApp,
    tokens: &[String],
) -> Vec<Result<String, RefreshSessionError>> {
    let mut holder = lock_sessions(url).await;
    let calls = begin(tokens.iter().map(|token| app.refresh(token)));
    until_waiting(&mut holder, 1).await;
    release(holder).await;
    join_all(calls).await
}

/// Asserts that of the concurrent refreshes only jane's in the middle fails, after a statement that contains her id as `{jane}`.
async fn assert_only_jane_fails(statement: &str) {
    let (url, app, mut tokens) = app_with_tokens(1).await;
    app.register("june").await;
    tokens.extend(log_in(&app, "june", MANY).await);
    tokens.swap(0, MANY / 2);
    let jane = app.find("jane").await.expect("an answer").expect("jane");
    sql(&url, &statement.replace("{jane}", &jane.id.to_string()));

    let mut answers = refresh_concurrently(&url, &app, &tokens).await;
    let failed = answers.remove(MANY / 2);
    assert!(matches!(failed, Err(RefreshSessionError::Port(PortError::Corrupt(_)))), "{failed:?}");
    for answer in answers {
        answer.expect("refreshed");
    }
}

fn sql(url: &str, statement: &str) -> String {
    TestPostgres::shared().query(url, statement).expect("an answer")
}

fn number(url: &str, statement: &str) -> usize {
    sql(url, statement).parse().expect("a number")
}

#[tokio::test]
async fn concurrent_refreshes_share_transactions_not_successors() {
    let (url, app, tokens) = app_with_tokens(MANY).await;
    let successors = refresh_concurrently(&url, &app, &tokens).await;
    // `xmin` is the transaction that wrote the row last.
    assert!(number(&url, "SELECT count(DISTINCT xmin::text) FROM sessions") <= 3);

    let successors: Vec<_> = successors.into_iter().map(|answer| answer.expect("refreshed")).collect();
    assert_eq!(successors.iter().collect::<BTreeSet<_>>().len(), MANY);
    for (token, successor) in tokens.iter().zip(&successors) {
        assert_eq!(app.refresh(token).await.expect("a retry"), *successor);
    }
}

#[tokio::test]
async fn concurrently_opened_sessions_share_transactions() {
    let url = TestPostgres::shared().create_database();
    let app = test_app(&url).await;
    let names: Vec<_> = (0..MANY).map(|number| format!("user{number}")).collect();
    for name in &names {
        app.register(name).await;
    }
    let tokens = join_all(names.iter().map(|name| app.log_in(name))).await;
    assert!(number(&url, "SELECT count(DISTINCT xmin::text) FROM sessions") < MANY / 2);
    for answer in refresh_concurrently(&url, &app, &tokens).await {
        answer.expect("refreshed");
    }
}

#[tokio::test]
async fn a_failing_refresh_does_not_fail_its_batch() {
    assert_only_jane_fails(
        "CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'for the test'; END $$;
         CREATE TRIGGER reject BEFORE UPDATE ON sessions FOR EACH ROW
             WHEN (OLD.account_id = '{jane}') EXECUTE FUNCTION reject()",
    )
    .await;
}

#[tokio::test]
async fn an_unreadable_row_does_not_fail_its_batch() {
    assert_only_jane_fails("UPDATE accounts SET roles = '\t' WHERE id = '{jane}'").await;
}

#[tokio::test]
async fn cancelled_refreshes_have_no_effect_on_their_batch() {
    let (url, app, tokens) = app_with_tokens(MANY).await;
    let mut holder = lock_sessions(&url).await;
    let mut calls = begin(tokens.iter().map(|token| app.refresh(token)));
    until_waiting(&mut holder, 1).await;
    // The cancelled calls include those that started the batches and whose statements wait.
    drop(calls.drain(..MANY / 2));
    release(holder).await;
    for answer in join_all(calls).await {
        answer.expect("refreshed");
    }
    let used = "SELECT count(*) FROM sessions WHERE has_consumed";
    assert_eq!(number(&url, used), MANY - MANY / 2);
    for token in &tokens {
        app.refresh(token).await.expect("refreshed, or a retry");
    }
}

#[tokio::test]
async fn a_stalled_batch_makes_room_for_another() {
    let (url, app, tokens) = app_with_tokens(3).await;
    let mut holder = lock_sessions(&url).await;
    let mut calls = Vec::new();
    for (waiting, token) in (1..).zip(&tokens) {
        calls.extend(begin(std::iter::once(app.refresh(token))));
        // Two batches run at once. The third starts when the first one counts as stalled.
        until_waiting(&mut holder, waiting).await;
    }
    release(holder).await;
    for answer in join_all(calls).await {
        answer.expect("refreshed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshes_on_a_silent_server_fail_in_time() {
    let postgres = TestPostgres::start();
    let app = test_app(&postgres.create_database()).await;
    app.register("jane").await;
    let tokens = log_in(&app, "jane", MANY).await;
    postgres.pause();
    let started = Instant::now();
    for answer in join_all(tokens.iter().map(|token| app.refresh(token))).await {
        assert!(matches!(answer, Err(RefreshSessionError::Port(PortError::Unavailable(_)))), "{answer:?}");
    }
    assert!(started.elapsed() < Duration::from_millis(3_500));
    postgres.resume();
    for token in &tokens {
        app.refresh(token).await.expect("refreshed");
    }
}
