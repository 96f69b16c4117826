//! Counters of attempts that several nodes share on PostgreSQL.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use auth_domain::model::{Caller, Counter, CounterKey, Guess, GuessOutcome, Limit, Timestamp};
use auth_domain::policy::AttemptPolicy;
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use futures_util::future::join_all;
use test_postgres::TestPostgres;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_755_080_130)
}

/// A guess from an address that nobody else has; nothing is forgiven while guesses wait for each other.
fn guess(account: &str, address: u8) -> Guess {
    let caller = Caller { address: Some([192, 0, 2, address].into()), ..Caller::default() };
    let mut policy = AttemptPolicy::default();
    policy.account.first_wait = policy.account.max_wait;
    Guess {
        account: CounterKey::of_unknown(account),
        caller: CounterKey::of_caller(&caller),
        counter: Counter::of(&caller, Limit::LogIns, &policy),
        now: now(),
        policy,
    }
}

async fn nodes(url: &str) -> [PostgresStore; 3] {
    let nodes = [1, 2, 3].map(|_| {
        let settings = PostgresSettings { max_connections: 4, ..PostgresSettings::new(url) };
        PostgresStore::connect(&settings).expect("a store")
    });
    nodes[0].migrate().await.expect("migrated");
    nodes
}

async fn try_one(node: &PostgresStore, guess: &Guess, outcome: GuessOutcome) -> bool {
    match node.admit(guess).await {
        Ok(AdmitOutcome::Admitted(kept)) => {
            node.settle(guess, kept, outcome, now()).await.expect("settled");
            true
        }
        Ok(AdmitOutcome::Throttled(_)) | Err(PortError::Overloaded) => false,
        Err(fault) => panic!("{fault:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_admit_no_more_than_one_would() {
    let url = TestPostgres::shared().create_database();
    let nodes = nodes(&url).await;
    for round in 0..5 {
        let account = format!("user {round}");
        let guesses: Vec<_> = (0..90).map(|address| guess(&account, address)).collect();
        let dealt = guesses.iter().zip(nodes.iter().cycle());
        let tried = join_all(dealt.map(|(guess, node)| try_one(node, guess, GuessOutcome::Failed))).await;
        assert_eq!(tried.into_iter().filter(|tried| *tried).count(), 5, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_several_nodes_are_all_admitted() {
    let url = TestPostgres::shared().create_database();
    let nodes = nodes(&url).await;
    let jane = guess("jane", 1);
    let tries = nodes.iter().cycle().take(21).map(|node| try_one(node, &jane, GuessOutcome::Succeeded));
    assert!(join_all(tries).await.into_iter().all(|tried| tried));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_found_exhausted_another_finds_exhausted_when_it_asks() {
    let url = TestPostgres::shared().create_database();
    let [first, second, _] = nodes(&url).await;
    let caller = Caller { address: Some([192, 0, 2, 1].into()), ..Caller::default() };
    let counter = Counter::of(&caller, Limit::Refreshes, &AttemptPolicy::default()).expect("a counter");
    for _ in 0..150 {
        assert_eq!(first.count(&counter, now()).await.expect("counted"), None);
    }
    assert_eq!(second.exhausted(&counter, now()), None);
    let told = second.count(&counter, now()).await.expect("asked").expect("exhausted");
    assert_eq!(second.exhausted(&counter, now()), Some(told));
}

#[tokio::test]
async fn neither_names_nor_addresses_can_be_read_in_the_database() {
    let url = TestPostgres::shared().create_database();
    let [node, ..] = nodes(&url).await;
    assert!(try_one(&node, &guess("jane", 77), GuessOutcome::Succeeded).await);
    assert!(try_one(&node, &guess("jane", 78), GuessOutcome::Failed).await);
    let dump = TestPostgres::shared().query(&url, "SELECT * FROM attempts").expect("an answer");
    assert!(dump.contains("failures") && dump.contains("full_at"), "{dump}");
    assert!(!dump.contains("jane") && !dump.contains("192.0.2") && !dump.contains("c000024d"), "{dump}");
}
