//! Refreshes during a purge: the purge deletes and erases by the state at the moment of its write.

use std::time::Duration;

use super::StoreUnderTest;
use super::concurrency::{both, rounds};
use super::fixture::{Fixture, later, now};
use crate::model::{CredentialChain, JudgedRefresh, RefreshAttempt, RefreshVerdict};
use crate::policy::SessionPolicy;
use crate::ports::PortError;

/// The chain that a rotation stores, if the attempt has rotated.
fn rotated(judged: Result<Option<JudgedRefresh>, PortError>) -> Option<CredentialChain> {
    match judged.expect("no error")?.verdict {
        RefreshVerdict::Rotate(chain) => Some(chain),
        verdict => panic!("the credential is current: {verdict:?}"),
    }
}

pub(super) async fn session_refreshed_during_a_purge_is_kept(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let policy = SessionPolicy { idle: Duration::from_secs(100), ..SessionPolicy::default() };
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        // The request arrives in time, and the session is idle too long when the purge begins.
        let attempt = fixture.attempt(opened.token(), later(99));
        let attempt = RefreshAttempt { policy: policy.clone(), ..attempt };
        let sessions = fixture.sessions();
        let (judged, purged) = both(sessions.refresh(&attempt), sessions.purge(later(101), &policy, 10));
        purged.expect("no error");
        let found = fixture.find_session(opened.session.id).await;
        match rotated(judged) {
            Some(chain) => {
                let found = found.expect("a refreshed session is kept");
                assert_eq!((found.last_refreshed_at, found.end), (later(99), None));
                let next = fixture.attempt(attempt.successor_token(), later(102));
                assert_eq!(fixture.refresh(&next).await.record.chain, chain, "the rotation is kept");
            }
            None => assert_eq!(found, None, "the purge came first"),
        }
        sessions
            .end(opened.session.id, crate::model::EndReason::LoggedOut, later(103))
            .await
            .expect("no error");
    }
}

pub(super) async fn credential_consumed_during_a_purge_is_kept(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let policy = SessionPolicy::default();
    for _ in rounds() {
        let opened = fixture.open(&user, now()).await;
        let first = fixture.rotate(opened.token(), later(1)).await;
        let second = fixture.attempt(first.successor_token(), later(1_000));
        let sessions = fixture.sessions();
        let (judged, purged) = both(sessions.refresh(&second), sessions.purge(later(1_000), &policy, 10));
        purged.expect("no error");
        let stored = rotated(judged).expect("a live session is not purged");
        let read = fixture.refresh(&fixture.attempt(second.successor_token(), later(1_001))).await.record;
        assert_eq!(read.chain.current, second.successor, "the rotation is kept");
        assert_eq!(read.chain.consumed.last(), Some(&second.consumed()), "the credential is kept");
        assert_eq!(read.chain, stored, "the chain of the verdict is stored");
        sessions
            .end(opened.session.id, crate::model::EndReason::LoggedOut, later(1_002))
            .await
            .expect("no error");
    }
}
