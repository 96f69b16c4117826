//! Tests the attempt counters that several nodes share on PostgreSQL.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use std::num::NonZeroU32;

use auth_domain::model::{Caller, Counter, CounterKey, Guess, GuessOutcome, Limit, Timestamp};
use auth_domain::policy::AttemptPolicy;
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use futures_util::future::join_all;
use test_postgres::TestPostgres;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_755_080_130)
}

/// A guess from an address of its own. The longest wait applies at once, so no wait ends while guesses queue.
fn guess(account: &str, address: u8) -> Guess {
    let caller = Caller::at([192, 0, 2, address]);
    let mut policy = AttemptPolicy::default();
    policy.account.first_wait = policy.account.max_wait;
    Guess {
        account: CounterKey::of_unknown(account),
        caller: Some(CounterKey::of_caller(&caller)),
        counter: Counter::of(&caller, Limit::LogIns, &policy),
        weight: NonZeroU32::MIN,
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

async fn attempt(node: &PostgresStore, guess: &Guess, outcome: GuessOutcome) -> bool {
    match node.admit(guess).await {
        Ok(AdmitOutcome::Admitted(reservation)) => {
            node.settle(guess, reservation, outcome, now()).await.expect("settled");
            true
        }
        Ok(AdmitOutcome::Throttled(_)) | Err(PortError::Overloaded) => false,
        Err(error) => panic!("{error:?}"),
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
        let admitted = join_all(dealt.map(|(guess, node)| attempt(node, guess, GuessOutcome::Failed))).await;
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 5, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_several_nodes_are_all_admitted() {
    let url = TestPostgres::shared().create_database();
    let nodes = nodes(&url).await;
    let jane = guess("jane", 1);
    let attempts = nodes.iter().cycle().take(21).map(|node| attempt(node, &jane, GuessOutcome::Succeeded));
    assert!(join_all(attempts).await.into_iter().all(|admitted| admitted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_caches_an_exhausted_counter_after_its_first_count() {
    let url = TestPostgres::shared().create_database();
    let [first, second, _] = nodes(&url).await;
    let caller = Caller::at([192, 0, 2, 1]);
    let counter = Counter::of(&caller, Limit::Refreshes, &AttemptPolicy::default()).expect("a counter");
    for _ in 0..150 {
        assert_eq!(first.count(&counter, now()).await.expect("counted"), None);
    }
    assert_eq!(second.exhausted(&counter, now()), None);
    let throttled = second.count(&counter, now()).await.expect("counted").expect("exhausted");
    assert_eq!(second.exhausted(&counter, now()), Some(throttled));
}

#[tokio::test]
async fn stored_attempts_reveal_no_names_or_addresses() {
    let url = TestPostgres::shared().create_database();
    let [node, ..] = nodes(&url).await;
    assert!(attempt(&node, &guess("jane", 77), GuessOutcome::Succeeded).await);
    assert!(attempt(&node, &guess("jane", 78), GuessOutcome::Failed).await);
    let dump = TestPostgres::shared().query(&url, "SELECT * FROM attempts").expect("an answer");
    assert!(dump.contains("failures") && dump.contains("full_at"), "{dump}");
    assert!(!dump.contains("jane") && !dump.contains("192.0.2") && !dump.contains("c000024d"), "{dump}");
}
