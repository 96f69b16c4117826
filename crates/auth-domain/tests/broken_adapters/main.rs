//! Tests the conformance suite itself. Each adapter here has one deliberate fault, and the cases of the broken promise must
//! fail for it. Every case must fail for at least one fault.
#![expect(clippy::expect_used, reason = "a panic fails the test")]

mod audit_logs;
mod clock_and_random;
mod codecs;
mod hashers;
mod limiters;
mod stores;

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_domain::conformance::{Case, STORE_CASES, StoreUnderTest};

use stores::{DETECTED_BY, Fault, FaultyStore};

/// Asserts that each named case fails for its faulty adapter, and that the list names every case of the suite.
async fn assert_detected<S: ?Sized + Send + Sync + 'static, const N: usize>(
    cases: &'static [Case<S>],
    detected: [(Arc<S>, &str); N],
) {
    let mut failed = BTreeSet::new();
    for (adapter, name) in detected {
        let case = cases.iter().find(|case| case.name() == name).expect("a case of this name");
        let outcome = tokio::spawn(async move { case.run(&*adapter).await }).await;
        assert!(outcome.is_err(), "{case} must fail");
        failed.insert(case.name());
    }
    assert_eq!(failed, cases.iter().map(Case::name).collect(), "every case must fail for some fault");
}

/// Whether the case fails for a store with this fault.
async fn detects(case: &'static Case<dyn StoreUnderTest>, fault: Fault) -> bool {
    let faulty = FaultyStore::by(fault);
    tokio::spawn(async move { case.run(&faulty).await }).await.is_err()
}

fn case(name: &str) -> &'static Case<dyn StoreUnderTest> {
    STORE_CASES.iter().find(|case| case.to_string() == name).expect("a case of this name")
}

#[tokio::test]
async fn correct_store_passes_every_case() {
    for case in STORE_CASES {
        assert!(!detects(case, Fault::None).await, "{case}");
    }
}

#[tokio::test]
async fn faulty_store_fails_its_cases() {
    for (fault, cases) in DETECTED_BY {
        for name in *cases {
            assert!(detects(case(name), *fault).await, "{name} must fail for {fault:?}");
        }
    }
}

#[test]
fn every_case_fails_for_some_fault() {
    let failed: BTreeSet<_> =
        DETECTED_BY.iter().flat_map(|(_, cases)| *cases).map(ToString::to_string).collect();
    let cases: BTreeSet<_> = STORE_CASES.iter().map(ToString::to_string).collect();
    assert_eq!(failed, cases);
    assert_eq!(cases.len(), STORE_CASES.len(), "case names must be unique");
}
