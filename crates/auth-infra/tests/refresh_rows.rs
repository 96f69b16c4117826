//! Tests what refreshes leave in each store: no row, and on PostgreSQL no index entry.
#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use futures_util::future::join_all;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;
use test_postgres::TestPostgres;

use stores::TestApp;

/// The refreshed sessions of the user.
const SESSIONS: usize = 8;
/// The refreshes of each session. Only the first one changes an indexed value, so 2.5 % of the updates are not HOT.
const ROUNDS: usize = 40;
/// More than the retry window, so that no rotation is throttled.
const PAUSE: Duration = Duration::from_secs(20);

/// The number of rows in each table.
type RowCounts = BTreeMap<String, i64>;

/// A store whose tables a test reads behind its back.
enum Database {
    Postgres(String),
    Sqlite(TempDir),
}

impl Database {
    async fn on_postgres() -> (Self, TestApp) {
        let url = TestPostgres::shared().create_database();
        let store = PostgresStore::connect(&PostgresSettings::new(url.clone())).expect("a store");
        store.migrate().await.expect("migrated");
        (Self::Postgres(url), TestApp::new(store, 1))
    }

    async fn on_sqlite() -> (Self, TestApp) {
        let directory = TempDir::new().expect("a directory");
        let settings = SqliteSettings::new(directory.path().join("auth.db"));
        let store = SqliteStore::connect(&settings).expect("a store");
        store.migrate().await.expect("migrated");
        (Self::Sqlite(directory), TestApp::new(store, 1))
    }

    async fn row_counts(&self) -> RowCounts {
        match self {
            Self::Postgres(url) => postgres_row_counts(url),
            Self::Sqlite(directory) => sqlite_row_counts(directory).await,
        }
    }
}

fn postgres_row_counts(url: &str) -> RowCounts {
    let query = |sql: &str| TestPostgres::shared().query(url, sql).expect("an answer");
    let tables = query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    let count = |table: &str| query(&format!("SELECT count(*) FROM {table}")).parse().expect("a number");
    tables.lines().map(|table| (table.to_owned(), count(table))).collect()
}

async fn sqlite_row_counts(directory: &TempDir) -> RowCounts {
    let options = SqliteConnectOptions::new().filename(directory.path().join("auth.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a connection");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let tables = sqlx::query(tables).fetch_all(&mut connection).await.expect("tables");
    let mut counts = RowCounts::new();
    for table in tables {
        let table: String = table.get("name");
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a count");
        counts.insert(table, count);
    }
    counts
}

async fn log_in(app: &TestApp, name: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for _ in 0..SESSIONS {
        tokens.push(app.log_in(name).await);
    }
    tokens
}

/// Refreshes all sessions together, as often as [`ROUNDS`].
async fn refresh_often(app: &TestApp, mut tokens: Vec<String>) {
    for _ in 0..ROUNDS {
        app.clock.advance(PAUSE);
        let answers = join_all(tokens.iter().map(|token| app.refresh(token))).await;
        tokens = answers.into_iter().map(|answer| answer.expect("refreshed")).collect();
    }
}

async fn assert_refreshes_add_no_row((database, app): (Database, TestApp)) {
    app.register("jane").await;
    let tokens = log_in(&app, "jane").await;
    let before = database.row_counts().await;
    refresh_often(&app, tokens).await;
    assert_eq!(database.row_counts().await, before);
}

#[tokio::test]
async fn refreshes_add_no_row_on_postgres() {
    assert_refreshes_add_no_row(Database::on_postgres().await).await;
}

#[tokio::test]
async fn refreshes_add_no_row_on_sqlite() {
    assert_refreshes_add_no_row(Database::on_sqlite().await).await;
}

async fn assert_deletion_costs_one_row_per_session((database, app): (Database, TestApp)) {
    app.register("june").await;
    let of_june = app.log_in("june").await;
    let without_jane = database.row_counts().await;
    let jane = app.register("jane").await;
    let tokens = log_in(&app, "jane").await;
    refresh_often(&app, tokens).await;

    let sessions = database.row_counts().await["sessions"];
    assert_eq!(sessions, 1 + i64::try_from(SESSIONS).expect("a small number"));
    assert!(app.store.users().delete(jane.id).await.expect("deleted"));

    // No session is recorded as revoked, because the fixed clock is in the past: their access tokens have expired.
    assert_eq!(database.row_counts().await, without_jane);
    app.refresh(&of_june).await.expect("refreshed");
}

#[tokio::test]
async fn deleting_a_user_deletes_only_session_rows_on_postgres() {
    assert_deletion_costs_one_row_per_session(Database::on_postgres().await).await;
}

#[tokio::test]
async fn deleting_a_user_deletes_only_session_rows_on_sqlite() {
    assert_deletion_costs_one_row_per_session(Database::on_sqlite().await).await;
}

#[tokio::test]
async fn refreshes_are_hot_updates_on_postgres() {
    let (database, app) = Database::on_postgres().await;
    let Database::Postgres(url) = &database else { panic!("not PostgreSQL") };
    app.register("jane").await;
    let tokens = log_in(&app, "jane").await;
    refresh_often(&app, tokens).await;
    // A connection that closes writes its counters to the statistics.
    app.store.close().await;

    let (updates, hot_updates) = update_counts(url, SESSIONS * ROUNDS);
    assert_eq!(updates, SESSIONS * ROUNDS, "a refresh is one update");
    assert!(hot_updates * 100 >= updates * 95, "only {hot_updates} of {updates} updates are HOT");
}

/// Returns the numbers of all updates and of HOT updates of sessions, as soon as the statistics contain `expected` updates.
fn update_counts(url: &str, expected: usize) -> (usize, usize) {
    const COUNTS: &str =
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'";
    let started = Instant::now();
    loop {
        let row = TestPostgres::shared().query(url, COUNTS).expect("statistics");
        let mut numbers = row.split('|').map(|number| number.parse().expect("a number"));
        let (all, hot) = (numbers.next().expect("updates"), numbers.next().expect("HOT updates"));
        if all >= expected {
            return (all, hot);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{all} updates");
        sleep(Duration::from_millis(50));
    }
}
