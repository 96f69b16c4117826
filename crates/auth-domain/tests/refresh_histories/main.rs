//! Whatever happens to a user's sessions, and in whatever order: refreshing, logging out and using access tokens give
//! what a few lines of a reference say, over the in-memory store.
//!
//! The reference knows tokens by number only, in the order they were handed out; the domain knows digests, states and
//! nonces. That two such different accounts of the same rules agree on random histories is what is shown here.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod clients;
mod history;
mod reference;
mod runner;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use history::{Event, EventSet, histories};
use runner::HistoryRunner;

/// How many histories are tried, each of fifty operations.
const HISTORIES: u32 = 10_000;

#[test]
fn every_history_agrees_with_the_reference() {
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let runtime = runtime();
    let outcome = TestRunner::new(config).run(&histories(), |history| {
        runtime.block_on(HistoryRunner::run(&history)).map_err(TestCaseError::fail)?;
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// The property would also hold of histories in which nothing happens.
#[test]
fn histories_reach_every_event() {
    use Event::{Admitted, AnsweredAgain, LoggedOut, Refreshed, Refused, Replayed};
    let runtime = runtime();
    let mut runner = TestRunner::deterministic();
    let mut events = EventSet::new();
    for _ in 0..200 {
        let history = histories().new_tree(&mut runner).expect("a history").current();
        events.append(&mut runtime.block_on(HistoryRunner::run(&history)).expect("as the reference says"));
    }
    let always = [AnsweredAgain, Refused, LoggedOut(false), LoggedOut(true), Admitted(false), Admitted(true)];
    let rotating = always.iter().chain(&[Refreshed, Replayed]);
    let expected: EventSet = ["SelfRenewing", "Rotating"]
        .into_iter()
        .flat_map(|style| rotating.clone().map(move |event| (style.to_owned(), *event)))
        .chain(always.iter().map(|event| ("Reusable".to_owned(), *event)))
        .collect();
    assert_eq!(events, expected);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}
