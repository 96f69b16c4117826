//! The conformance suite detects adapters that break their promises: for each promise there is an adapter that
//! breaks it, and a case that fails for that reason.
#![expect(clippy::expect_used, reason = "a panic fails the test")]

mod chance_and_time;
mod codecs;
mod hashers;
mod limiters;
mod stores;

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_domain::conformance::{Case, STORE_CASES, StoreUnderTest};

use stores::{DETECTED_BY, Fault, FaultyStore};

/// Asserts that each case fails for the subject next to it, and that there are no other cases.
async fn assert_detected<S: ?Sized + Send + Sync + 'static, const N: usize>(
    cases: &'static [Case<S>],
    detected: [(Arc<S>, &str); N],
) {
    let mut seen = BTreeSet::new();
    for (subject, name) in detected {
        let case = cases.iter().find(|case| case.name() == name).expect("a case of this name");
        let verdict = tokio::spawn(async move { case.run(&*subject).await }).await;
        assert!(verdict.is_err(), "{case} must notice");
        seen.insert(case.name());
    }
    assert_eq!(seen, cases.iter().map(Case::name).collect(), "every case is seen to fail");
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
            assert!(detects(case(name), *fault).await, "{name} must notice {fault:?}");
        }
    }
}

#[test]
fn every_case_fails_for_some_fault() {
    let seen: BTreeSet<_> =
        DETECTED_BY.iter().flat_map(|(_, cases)| *cases).map(ToString::to_string).collect();
    let cases: BTreeSet<_> = STORE_CASES.iter().map(ToString::to_string).collect();
    assert_eq!(seen, cases);
    assert_eq!(cases.len(), STORE_CASES.len(), "no two cases have one name");
}
