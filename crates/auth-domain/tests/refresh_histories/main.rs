//! Compares the session use cases with a short reference implementation on random histories, over the in-memory store.
//! A history refreshes, logs out and uses access tokens in any order. Refreshes are judged later than they were received,
//! and the clock may be far behind.
//!
//! The reference identifies tokens only by their number, in the order of issue. The domain uses digests, chains and nonces.
//! Two implementations that differ so much are unlikely to contain the same mistake.
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

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

/// The number of histories, each with fifty operations, some of which refresh up to 17 times.
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

/// Without this test, the comparison could pass because the histories do nothing.
#[test]
fn histories_reach_every_event() {
    use Event::{
        Admitted, ClockBehind, LoggedOut, Refreshed, Refused, Replayed, Retried, RetriedAlongTheChain,
        RetriedEarly, Throttled,
    };
    let runtime = runtime();
    let mut runner = TestRunner::deterministic();
    let mut events = EventSet::new();
    for _ in 0..200 {
        let history = histories().new_tree(&mut runner).expect("a history").current();
        events.append(
            &mut runtime.block_on(HistoryRunner::run(&history)).expect("agreement with the reference"),
        );
    }
    let always = [Retried, Refused, LoggedOut(false), LoggedOut(true), Admitted(false), Admitted(true)];
    let rotating = always.iter().chain(&[
        Refreshed,
        Replayed,
        RetriedAlongTheChain,
        RetriedEarly,
        Throttled,
        ClockBehind,
    ]);
    let expected: EventSet = ["SelfRenewing", "RotatingSigned", "Rotating"]
        .into_iter()
        .flat_map(|style| rotating.clone().map(move |event| (style.to_owned(), *event)))
        .chain(always.iter().map(|event| ("Reusable".to_owned(), *event)))
        .collect();
    assert_eq!(events, expected);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}
