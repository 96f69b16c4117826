//! An adapter that answers with an error has changed nothing.

use super::StoreFixture;
use super::scene::{Scene, identifiers, later};
use crate::model::{NewApiKey, NewSession, NewUser, Session, UserId};
use crate::policy::SessionPolicy;

pub(super) async fn a_user_with_anothers_id_is_a_fault_that_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let before = scene.login_record(user.id).await;
    let names = identifiers(Some("free"), Some("free@example.com"));
    let double = NewUser { id: user.id, ..scene.new_user(names) };
    assert!(scene.users().register(&double).await.is_err(), "ids are unique");
    assert_eq!(scene.login_record(user.id).await, before);
    assert_eq!(scene.users().list(None, 10).await.expect("no fault"), vec![user]);
    for name in ["free", "free@example.com"] {
        assert_eq!(scene.holder(name).await, None, "{name}");
    }
    scene.register(&NewUser { id: UserId(scene.uuid()), ..double }).await;
}

pub(super) async fn a_session_with_anothers_id_is_a_fault_that_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, later(0)).await;
    let new = scene.new_session(&user, opened.password_version, later(1));
    let double = NewSession { session: Session { id: opened.session.id, ..new.session }, ..new };
    assert_fault(&scene, &opened, &double).await;
    let attempt = scene.attempt(double.credential, later(2));
    assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
}

pub(super) async fn a_session_with_anothers_credential_is_a_fault_that_changes_nothing(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, later(0)).await;
    let new = scene.new_session(&user, opened.password_version, later(1));
    let double = NewSession { credential: opened.credential, ..new };
    assert_fault(&scene, &opened, &double).await;
    assert_eq!(scene.find_session(double.session.id).await, None);
}

/// Opening `double` fails, whether there is room for it or `opened` would have to make some.
async fn assert_fault(scene: &Scene<'_>, opened: &NewSession, double: &NewSession) {
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    for policy in [SessionPolicy::default(), crowded] {
        assert!(scene.sessions().open(double, &policy).await.is_err(), "ids and credentials are unique");
    }
    assert_eq!(scene.session(opened.session.id).await, opened.session, "the session is as it was");
    let judged = scene.refresh(&scene.attempt(opened.credential, later(2))).await;
    assert_eq!(judged.record.session, opened.session, "and so is its credential");
}

pub(super) async fn an_api_key_with_anothers_id_or_secret_is_a_fault_that_changes_nothing(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    let known = scene.new_api_key("backend");
    scene.api_keys().insert(&known).await.expect("no fault");
    let same_secret = NewApiKey { digest: known.digest, ..scene.new_api_key("other") };
    let mut same_id = scene.new_api_key("other");
    same_id.key.id = known.key.id;
    for double in [same_secret, same_id] {
        assert!(scene.api_keys().insert(&double).await.is_err(), "ids and secrets are unique");
    }
    assert_eq!(scene.api_keys().list().await.expect("no fault"), vec![known.key]);
}
