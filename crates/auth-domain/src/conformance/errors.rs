//! A call that returns an error has changed nothing.

use super::StoreUnderTest;
use super::fixture::{Fixture, at_most, identifiers, later};
use crate::model::{CredentialChain, NewApiKey, NewSession, NewUser, Session, UserId};
use crate::policy::SessionPolicy;

pub(super) async fn duplicate_user_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let before = fixture.login_record(user.id).await;
    let names = identifiers(Some("free"), Some("free@example.com"));
    let duplicate = NewUser { id: user.id, ..fixture.new_user(names) };
    assert!(fixture.users().register(&duplicate).await.is_err(), "ids must be unique");
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![user]);
    for name in ["free", "free@example.com"] {
        assert_eq!(fixture.holder(name).await, None, "{name}");
    }
    fixture.register(&NewUser { id: UserId(fixture.uuid()), ..duplicate }).await;
}

pub(super) async fn duplicate_session_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let duplicate = NewSession { session: Session { id: opened.session.id, ..new.session }, ..new };
    assert_open_fails(&fixture, &opened, &duplicate).await;
    assert_eq!(fixture.present(duplicate.token(), later(2)).await, None);
}

pub(super) async fn duplicate_family_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let duplicate = NewSession { family: opened.family, ..new };
    assert_open_fails(&fixture, &opened, &duplicate).await;
    assert_eq!(fixture.find_session(duplicate.session.id).await, None);
}

/// Asserts that opening `duplicate` fails and changes nothing, below the session limit and at it.
async fn assert_open_fails(fixture: &Fixture<'_>, opened: &NewSession, duplicate: &NewSession) {
    let crowded = at_most(1);
    for policy in [SessionPolicy::default(), crowded] {
        assert!(
            fixture.sessions().open(duplicate, &policy).await.is_err(),
            "ids and families must be unique"
        );
    }
    assert_eq!(fixture.session(opened.session.id).await, opened.session, "the session is unchanged");
    let judged = fixture.refresh(&fixture.attempt(opened.token(), later(2))).await;
    let chain = CredentialChain::new(opened.credential);
    assert_eq!(judged.record.session, opened.session);
    assert_eq!(judged.record.chain, chain, "its credential is unchanged");
}

pub(super) async fn duplicate_api_key_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let known = fixture.new_api_key("backend");
    fixture.api_keys().insert(&known).await.expect("no error");
    let same_secret = NewApiKey { digest: known.digest, ..fixture.new_api_key("other") };
    let mut same_id = fixture.new_api_key("other");
    same_id.key.id = known.key.id;
    for duplicate in [same_secret, same_id] {
        assert!(fixture.api_keys().insert(&duplicate).await.is_err(), "ids and secrets must be unique");
    }
    assert_eq!(fixture.api_keys().list().await.expect("no error"), vec![known.key]);
}
