//! Concurrent calls that store one id or digest: exactly one succeeds, and the others change nothing.

use std::fmt;

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, identifiers, later, only_success};
use crate::model::{ImportedUser, NewApiKey, NewSession, NewUser, Session, UserId, UserStatus};
use crate::policy::SessionPolicy;
use crate::ports::PortError;

/// Which calls succeeded. The others must have found that the id or digest is taken.
fn succeeded<T: fmt::Debug>(outcomes: &[Result<T, PortError>]) -> Vec<bool> {
    let is_corrupt = |outcome: &Result<T, _>| matches!(outcome, Err(PortError::Corrupt(_)));
    for outcome in outcomes {
        assert!(outcome.is_ok() || is_corrupt(outcome), "{outcome:?}");
    }
    outcomes.iter().map(Result::is_ok).collect()
}

pub(super) async fn one_of_8_users_with_one_id_is_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut stored = 0;
    for round in rounds() {
        let id = UserId(fixture.uuid());
        let names: Vec<_> = (0..8).map(|index| format!("user {round} {index}")).collect();
        let new = |name: &String| NewUser { id, ..fixture.new_user(identifiers(Some(name), None)) };
        let users: Vec<_> = names.iter().map(new).collect();
        let outcomes = concurrently(users.iter().enumerate().map(|(index, user)| async move {
            if index % 2 == 0 {
                return store.users().register(user).await.map(drop);
            }
            let imported = ImportedUser {
                user: user.clone(),
                email_verified: false,
                status: UserStatus::Active,
                external_id: None,
            };
            store.users().import(&[imported]).await.map(drop)
        }));
        let winner = only_success(names.clone(), &succeeded(&outcomes));
        for name in &names {
            assert_eq!(fixture.holder(name).await, Some(id).filter(|_| *name == winner), "{name}");
        }
        stored += 1;
    }
    assert_eq!(fixture.users().list(None, u32::MAX).await.expect("no error").len(), stored);
}

/// Opens eight sessions concurrently. Exactly one is stored, with its own family and credential.
async fn assert_one_opens(fixture: &Fixture<'_>, sessions: &[NewSession]) {
    let policy = SessionPolicy::default();
    let outcomes = concurrently(sessions.iter().map(|new| fixture.sessions().open(new, &policy)));
    let winner = only_success(sessions, &succeeded(&outcomes));
    assert_eq!(fixture.session(winner.session.id).await, winner.session);
    let judged = fixture.refresh(&fixture.attempt(winner.token(), later(2))).await;
    assert_eq!(judged.record.session, winner.session);
    assert_eq!(judged.record.chain.current, winner.credential);
    for loser in sessions.iter().filter(|new| new.credential != winner.credential) {
        if loser.session.id != winner.session.id {
            assert_eq!(fixture.find_session(loser.session.id).await, None);
        }
        if loser.family != winner.family {
            assert_eq!(fixture.present(loser.token(), later(2)).await, None);
        }
    }
    assert!(fixture.log_out(winner.session.id, later(3)).await);
}

pub(super) async fn one_of_8_sessions_with_one_id_is_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    for _ in rounds() {
        let id = fixture.new_session(&user, version, later(0)).session.id;
        let new = || {
            let new = fixture.new_session(&user, version, later(1));
            NewSession { session: Session { id, ..new.session }, ..new }
        };
        assert_one_opens(&fixture, &std::array::from_fn::<_, 8, _>(|_| new())).await;
    }
}

pub(super) async fn one_of_8_sessions_with_one_family_is_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    for _ in rounds() {
        let family = fixture.digest();
        let new = || NewSession { family, ..fixture.new_session(&user, version, later(1)) };
        assert_one_opens(&fixture, &std::array::from_fn::<_, 8, _>(|_| new())).await;
    }
}

pub(super) async fn one_of_8_api_keys_with_one_id_or_digest_is_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let first = fixture.new_api_key("key 0");
        let keys: [NewApiKey; 8] = std::array::from_fn(|index| {
            let mut new = fixture.new_api_key(&format!("key {index}"));
            if round % 2 == 0 {
                new.key.id = first.key.id;
            } else {
                new.digest = first.digest;
            }
            new
        });
        let outcomes = concurrently(keys.iter().map(|new| fixture.api_keys().insert(new)));
        let winner = only_success(&keys, &succeeded(&outcomes));
        let found = fixture.api_keys().find(&winner.digest).await.expect("no error");
        assert_eq!(found.as_ref(), Some(&winner.key));
        let listed = fixture.api_keys().list().await.expect("no error");
        assert_eq!(listed.len(), round + 1, "one key of each round");
    }
}
