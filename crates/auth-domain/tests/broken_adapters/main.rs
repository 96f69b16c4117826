//! Tests the conformance suite itself. Each adapter here has one deliberate fault, and the cases of the broken promise must
//! fail for it. Every case must fail for at least one fault.
#![expect(clippy::expect_used, reason = "a panic fails the test")]
#![expect(clippy::disallowed_methods, reason = "a faulty adapter waits between its read and its write")]

mod audit_logs;
mod clock_and_random;
mod codecs;
mod hashers;
mod limiters;
mod stores;
mod synchronous;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use auth_domain::conformance::{Case, STORE_CASES, StoreUnderTest};
use tokio::runtime::Runtime;

use stores::{DETECTED_BY, Fault, FaultyStore};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Runs a case and returns the message with which it fails.
fn failure<S: ?Sized + Sync>(case: &Case<S>, adapter: &S) -> Option<String> {
    let run = || RUNTIME.block_on(case.run_on(adapter, |call| RUNTIME.block_on(call)));
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    let message = *panic.downcast::<String>().expect("a failing case panics with a text");
    assert!(message.starts_with(&case.must().to_string()), "{message}");
    Some(message)
}

/// Asserts that each named case fails for its faulty adapter, and that the list names every case of the suite.
fn assert_detected<S: ?Sized + Send + Sync + 'static, const N: usize>(
    cases: &'static [Case<S>],
    detected: [(Arc<S>, &str); N],
) {
    let mut failed = BTreeSet::new();
    for (adapter, name) in detected {
        let case = cases.iter().find(|case| case.name() == name).expect("a case of this name");
        assert!(failure(case, &*adapter).is_some(), "{case} must fail");
        failed.insert(case.name());
    }
    let all: BTreeSet<_> = cases.iter().map(Case::name).collect();
    assert_eq!(
        all.difference(&failed).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "every case must fail for some fault"
    );
}

/// Whether the case fails for a store with this fault.
fn detects(case: &'static Case<dyn StoreUnderTest>, fault: Fault) -> bool {
    failure(case, &FaultyStore::by(fault)).is_some()
}

fn case(name: &str) -> &'static Case<dyn StoreUnderTest> {
    STORE_CASES.iter().find(|case| case.to_string() == name).expect("a case of this name")
}

#[test]
fn correct_store_passes_every_case() {
    for case in STORE_CASES {
        assert!(!detects(case, Fault::None), "{case}");
    }
}

#[test]
fn faulty_store_fails_its_cases() {
    for (fault, cases) in DETECTED_BY {
        for name in *cases {
            assert!(detects(case(name), *fault), "{name} must fail for {fault:?}");
        }
    }
}

#[test]
fn every_case_fails_for_some_fault() {
    let synchronous = synchronous::DETECTED_BY.iter().flat_map(|(_, cases)| *cases);
    let failed: BTreeSet<_> = DETECTED_BY
        .iter()
        .flat_map(|(_, cases)| *cases)
        .chain(synchronous)
        .map(ToString::to_string)
        .collect();
    let cases: BTreeSet<_> = STORE_CASES.iter().map(ToString::to_string).collect();
    assert_eq!(cases.symmetric_difference(&failed).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(cases.len(), STORE_CASES.len(), "case names must be unique");
}
