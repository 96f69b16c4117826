//! Every call finds the session that it names, among many.

use super::StoreUnderTest;
use super::fixture::{Fixture, later};
use crate::model::{
    ClientId, CredentialChain, EndReason, NewSession, RefreshDenial, RefreshVerdict, Session, SessionEnd,
    User,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

/// Three sessions of each of four users, at different times.
async fn twelve_sessions(fixture: &Fixture<'_>) -> Vec<(User, NewSession)> {
    let mut sessions = Vec::new();
    for number in 0..4 {
        let user = fixture.register_full_user(&format!("user{number}")).await;
        let version = fixture.password_version(user.id).await;
        for _ in 0..3 {
            // The times are not in the order in which the sessions are opened.
            let at = later(100 - sessions.len() as u64);
            let new = fixture.new_session(&user, version, at);
            assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
            sessions.push((user.clone(), new));
        }
    }
    sessions
}

pub(super) async fn each_of_12_sessions_is_found_with_its_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (user, new) in twelve_sessions(&fixture).await {
        let found = fixture.sessions().find(new.session.id).await.expect("no error");
        assert_eq!(found, Some((new.session, user)));
    }
}

pub(super) async fn each_of_12_sessions_is_refreshed_on_its_own(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let sessions = twelve_sessions(&fixture).await;
    let mut rotations = Vec::new();
    for (user, new) in &sessions {
        let rotation = fixture.attempt(new.token(), later(200));
        let record = fixture.refresh(&rotation).await.record;
        let chain = CredentialChain::new(new.credential);
        assert_eq!((&record.user, &record.session, record.chain), (user, &new.session, chain));
        rotations.push(rotation);
    }
    for ((user, new), rotation) in sessions.iter().zip(&rotations) {
        let refreshed = Session { last_refreshed_at: later(200), ..new.session.clone() };
        assert_eq!(fixture.session(new.session.id).await, refreshed);
        let record = fixture.refresh(&fixture.attempt(rotation.successor_token(), later(300))).await.record;
        let chain = CredentialChain { current: rotation.successor, consumed: vec![rotation.consumed()] };
        assert_eq!((&record.user, record.session, record.chain), (user, refreshed, chain));
    }
}

pub(super) async fn each_of_12_sessions_is_ended_on_its_own(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let sessions = twelve_sessions(&fixture).await;
    let mut expected: Vec<_> = sessions.iter().map(|(_, new)| new.session.clone()).collect();
    for index in [5, 0, 11, 6, 3] {
        let new = &sessions[index].1;
        let end = SessionEnd { at: later(200), reason: EndReason::LoggedOut };
        expected[index].end = Some(end);
        let port = fixture.sessions();
        let ended = if index % 2 == 0 {
            port.end(new.session.id, end.reason, end.at).await
        } else {
            let client: &ClientId = &new.session.client_id;
            port.end_by_family(&new.family, client, end.reason, end.at).await
        };
        assert_eq!(ended.expect("no error").as_ref(), Some(&expected[index]));
        for expected in &expected {
            assert_eq!(fixture.session(expected.id).await, *expected);
        }
    }
    for ((_, new), expected) in sessions.iter().zip(&expected) {
        let verdict = fixture.refresh(&fixture.attempt(new.token(), later(300))).await.verdict;
        let is_over = verdict == RefreshVerdict::Deny(RefreshDenial::SessionOver);
        assert_eq!(is_over, expected.end.is_some());
    }
}
