//! Calls that come together on PostgreSQL: they share a statement, and nothing else.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod stores;

use std::collections::BTreeSet;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use auth_domain::ports::PortError;
use auth_domain::use_cases::RefreshSessionError;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use futures_util::future::join_all;
use test_postgres::TestPostgres;
use tokio::task::spawn_blocking;
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

async fn refresh_together(world: &World, tokens: &[String]) -> Vec<Result<String, RefreshSessionError>> {
    join_all(tokens.iter().map(|token| world.refresh(token))).await
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
    let successors = refresh_together(&world, &tokens).await;
    // The transaction that wrote a row last.
    assert!(number(&url, "SELECT count(DISTINCT xmin::text) FROM sessions") < MANY / 2);

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
    for answer in refresh_together(&world, &tokens).await {
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

    let mut answers = refresh_together(&world, &tokens).await;
    let of_jane = answers.remove(MANY / 2);
    assert!(matches!(of_jane, Err(RefreshSessionError::Port(PortError::Corrupt(_)))), "{of_jane:?}");
    for answer in answers {
        answer.expect("refreshed");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_nobody_else() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    let jane = world.register("jane").await;
    world.register("june").await;
    let mut tokens = log_in(&world, "june", MANY).await;
    tokens.insert(0, world.log_in("jane").await);
    sql(&url, &format!("UPDATE accounts SET roles = '\t' WHERE id = '{}'", jane.id));

    let mut answers = refresh_together(&world, &tokens).await;
    let of_jane = answers.remove(0);
    assert!(matches!(of_jane, Err(RefreshSessionError::Port(PortError::Corrupt(_)))), "{of_jane:?}");
    for answer in answers {
        answer.expect("refreshed");
    }
}

#[tokio::test]
async fn who_goes_away_takes_nothing_from_the_others_and_leaves_nothing_behind() {
    let url = TestPostgres::shared().create_database();
    let world = world(&url).await;
    world.register("jane").await;
    let tokens = log_in(&world, "jane", MANY).await;
    let holding = "BEGIN; LOCK TABLE refresh_credentials; SELECT pg_sleep(0.7); COMMIT";
    let (held_url, holding) = (url.clone(), spawn_blocking(move || sql(&url, holding)));
    sleep(Duration::from_millis(300)).await;
    let mut calls: Vec<_> = tokens.iter().map(|token| Box::pin(world.refresh(token))).collect();
    for call in &mut calls {
        assert!(matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    }
    sleep(Duration::from_millis(50)).await;
    // Those who began the turns, and are waiting for the server, are among them.
    drop(calls.drain(..MANY / 2));
    for answer in join_all(calls).await {
        answer.expect("refreshed");
    }
    holding.await.expect("held");
    let used = "SELECT count(*) FROM refresh_credentials WHERE consumed_at IS NOT NULL";
    assert_eq!(number(&held_url, used), MANY - MANY / 2);
    for token in &tokens {
        world.refresh(token).await.expect("refreshed, or a retry");
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
    for answer in refresh_together(&world, &tokens).await {
        assert!(matches!(answer, Err(RefreshSessionError::Port(PortError::Unavailable(_)))), "{answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_millis(3_500));
    postgres.resume();
    for token in &tokens {
        world.refresh(token).await.expect("refreshed, or a retry");
    }
}
