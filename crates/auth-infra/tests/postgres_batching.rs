//! Calls that come together on PostgreSQL: they share a statement, and nothing else.
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

use stores::World;

/// How many come together: fewer than go into one statement.
const MANY: usize = 40;

async fn world(url: &str) -> World {
    let settings = PostgresSettings { max_connections: 4, ..PostgresSettings::new(url) };
    let store = PostgresStore::connect(&settings).expect("a store");
    store.migrate().await.expect("migrated");
    World::over(store, 1)
}

async fn log_in(world: &World, name: &str, times: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for _ in 0..times {
        tokens.push(world.log_in(name).await);
    }
    tokens
}

async fn hold(url: &str) -> PgConnection {
    let mut holder = PgConnection::connect(url).await.expect("connected");
    sqlx::raw_sql("BEGIN; LOCK TABLE refresh_credentials").execute(&mut holder).await.expect("locked");
    holder
}

/// Until so many statements wait for what is held.
async fn until_waiting(holder: &mut PgConnection, statements: i64) {
    const WAITING: &str =
        "SELECT count(*) FROM pg_locks WHERE relation = 'refresh_credentials'::regclass AND NOT granted";
    // Longer than any of them waits.
    for _ in 0..150 {
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut *holder).await.expect("a count");
        if waiting >= statements {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{statements} statements never waited");
}

async fn release(mut holder: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.expect("released");
}

/// Begins all of these, while what they need is held: at most two turns begin, and the rest waits for the next.
fn begin<F: Future>(calls: impl Iterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    calls
}

async fn refresh_together(
    url: &str,
    world: &World,
    tokens: &[String],
) -> Vec<Result<String, RefreshSessionError>> {
    let mut holder = hold(url).await;
    let calls = begin(tokens.iter().map(|token| world.refresh(token)));
    until_waiting(&mut holder, 1).await;
    release(holder).await;
    join_all(calls).await
}

/// That of those who come together the one in the middle fails, and nobody else.
async fn assert_only_one_fails(url: &str, world: &World, tokens: &[String]) {
    let mut answers = refresh_together(url, world, tokens).await;
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
async fn refreshes_that_come_together_share_transactions_and_each_gets_its_own_successor() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    world.register("jane").await;
    let tokens = log_in(&world, "jane", MANY).await;
    let successors = refresh_together(&url, &world, &tokens).await;
    // The transaction that wrote a row last.
    assert!(number(&url, "SELECT count(DISTINCT xmin::text) FROM sessions") <= 3);

    let successors: Vec<_> = successors.into_iter().map(|answer| answer.expect("refreshed")).collect();
    assert_eq!(successors.iter().collect::<BTreeSet<_>>().len(), MANY);
    for (token, successor) in tokens.iter().zip(&successors) {
        assert_eq!(world.refresh(token).await.expect("a retry"), *successor);
    }
}

#[tokio::test]
async fn sessions_that_are_opened_together_share_transactions() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    let names: Vec<_> = (0..MANY).map(|number| format!("user{number}")).collect();
    for name in &names {
        world.register(name).await;
    }
    let tokens = join_all(names.iter().map(|name| world.log_in(name))).await;
    assert!(number(&url, "SELECT count(DISTINCT xmin::text) FROM sessions") < MANY / 2);
    for answer in refresh_together(&url, &world, &tokens).await {
        answer.expect("refreshed");
    }
}

#[tokio::test]
async fn a_statement_that_fails_for_the_sake_of_one_fails_for_no_other() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    let jane = world.register("jane").await;
    world.register("june").await;
    let mut tokens = log_in(&world, "june", MANY).await;
    tokens.insert(MANY / 2, world.log_in("jane").await);
    let refuse = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'for the test'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW
            WHEN (OLD.account_id = '{jane}') EXECUTE FUNCTION refuse()";
    sql(&url, &refuse.replace("{jane}", &jane.id.to_string()));

    assert_only_one_fails(&url, &world, &tokens).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_nobody_else() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    let jane = world.register("jane").await;
    world.register("june").await;
    let mut tokens = log_in(&world, "june", MANY).await;
    tokens.insert(MANY / 2, world.log_in("jane").await);
    sql(&url, &format!("UPDATE accounts SET roles = '\t' WHERE id = '{}'", jane.id));

    assert_only_one_fails(&url, &world, &tokens).await;
}

#[tokio::test]
async fn who_goes_away_takes_nothing_from_the_others_and_leaves_nothing_behind() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    world.register("jane").await;
    let tokens = log_in(&world, "jane", MANY).await;
    let mut holder = hold(&url).await;
    let mut calls = begin(tokens.iter().map(|token| world.refresh(token)));
    until_waiting(&mut holder, 1).await;
    // Those who began the turns, and whose statement is waiting, are among them.
    drop(calls.drain(..MANY / 2));
    release(holder).await;
    for answer in join_all(calls).await {
        answer.expect("refreshed");
    }
    let used = "SELECT count(*) FROM refresh_credentials WHERE consumed_at IS NOT NULL";
    assert_eq!(number(&url, used), MANY - MANY / 2);
    for token in &tokens {
        world.refresh(token).await.expect("refreshed, or a retry");
    }
}

#[tokio::test]
async fn a_turn_that_is_silent_makes_room_for_another() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    world.register("jane").await;
    let tokens = log_in(&world, "jane", 3).await;
    let mut holder = hold(&url).await;
    let mut calls = Vec::new();
    for (waiting, token) in (1..).zip(&tokens) {
        calls.extend(begin(std::iter::once(world.refresh(token))));
        // Two at once; the third when the first is not heard of any more.
        until_waiting(&mut holder, waiting).await;
    }
    release(holder).await;
    for answer in join_all(calls).await {
        answer.expect("refreshed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_wait_for_a_silent_server_are_told_so_in_time() {
    let postgres = TestPostgres::start();
    let world = world(&postgres.create_database()).await;
    world.register("jane").await;
    let tokens = log_in(&world, "jane", MANY).await;
    postgres.pause();
    let begun = Instant::now();
    for answer in join_all(tokens.iter().map(|token| world.refresh(token))).await {
        assert!(matches!(answer, Err(RefreshSessionError::Port(PortError::Unavailable(_)))), "{answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_millis(3_500));
    postgres.resume();
    for token in &tokens {
        world.refresh(token).await.expect("refreshed");
    }
}
