//! An adapter that answers with an error has changed nothing.

use super::StoreUnderTest;
use super::fixture::{Fixture, identifiers, later};
use crate::model::{NewApiKey, NewSession, NewUser, Session, UserId};
use crate::policy::SessionPolicy;

pub(super) async fn duplicate_user_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_whole("jane").await;
    let before = fixture.login_record(user.id).await;
    let names = identifiers(Some("free"), Some("free@example.com"));
    let double = NewUser { id: user.id, ..fixture.new_user(names) };
    assert!(fixture.users().register(&double).await.is_err(), "ids are unique");
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![user]);
    for name in ["free", "free@example.com"] {
        assert_eq!(fixture.holder(name).await, None, "{name}");
    }
    fixture.register(&NewUser { id: UserId(fixture.uuid()), ..double }).await;
}

pub(super) async fn duplicate_session_id_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let double = NewSession { session: Session { id: opened.session.id, ..new.session }, ..new };
    assert_fault(&fixture, &opened, &double).await;
    let attempt = fixture.attempt(double.credential, later(2));
    assert_eq!(fixture.sessions().refresh(&attempt).await.expect("no error"), None);
}

pub(super) async fn duplicate_credential_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(0)).await;
    let new = fixture.new_session(&user, opened.password_version, later(1));
    let double = NewSession { credential: opened.credential, ..new };
    assert_fault(&fixture, &opened, &double).await;
    assert_eq!(fixture.find_session(double.session.id).await, None);
}

/// Opening `double` fails, whether there is room for it or `opened` would have to make some.
async fn assert_fault(fixture: &Fixture<'_>, opened: &NewSession, double: &NewSession) {
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    for policy in [SessionPolicy::default(), crowded] {
        assert!(fixture.sessions().open(double, &policy).await.is_err(), "ids and credentials are unique");
    }
    assert_eq!(fixture.session(opened.session.id).await, opened.session, "the session is as it was");
    let judged = fixture.refresh(&fixture.attempt(opened.credential, later(2))).await;
    assert_eq!(judged.record.session, opened.session, "and so is its credential");
}

pub(super) async fn duplicate_api_key_is_an_error_that_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let known = fixture.new_api_key("backend");
    fixture.api_keys().insert(&known).await.expect("no error");
    let same_secret = NewApiKey { digest: known.digest, ..fixture.new_api_key("other") };
    let mut same_id = fixture.new_api_key("other");
    same_id.key.id = known.key.id;
    for double in [same_secret, same_id] {
        assert!(fixture.api_keys().insert(&double).await.is_err(), "ids and secrets are unique");
    }
    assert_eq!(fixture.api_keys().list().await.expect("no error"), vec![known.key]);
}
