//! Changing and deleting users.

use futures_util::future::join_all;

use super::StoreFixture;
use super::scene::{
    Scene, display_name, email, hash, identifiers, key, later, phone_number, roles, username,
};
use crate::model::{Roles, User, UserChanges, UserId, UserRef, UserStatus};
use crate::ports::UpdateOutcome;

/// Makes a change that nothing stands against; the user as changed, by the answer and by the store.
async fn update(scene: &Scene<'_>, user: UserId, changes: &UserChanges) -> User {
    match scene.users().update(user, changes, later(1)).await.expect("no fault") {
        UpdateOutcome::Updated(answer) => {
            assert_eq!(scene.user(user).await, answer, "the answer is what is stored");
            answer
        }
        outcome => panic!("nothing stands against {changes:?}: {outcome:?}"),
    }
}

fn no_changes() -> UserChanges {
    UserChanges::default()
}

pub(super) async fn each_member_changes_alone(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    let mut user = scene.register_whole("jane").await;
    let password = scene.login_record(user.id).await.password;

    let changes = UserChanges { username: Some(username("Janet")), ..no_changes() };
    user.identifiers = user.identifiers.changed(Some(username("Janet")), None);
    assert_eq!(update(&scene, user.id, &changes).await, user);

    let changes = UserChanges { email: Some(email("janet@mail.example")), ..no_changes() };
    user.identifiers = user.identifiers.changed(None, Some(email("janet@mail.example")));
    assert_eq!(update(&scene, user.id, &changes).await, user);

    let changes = UserChanges { display_name: Some(display_name("Janet \u{1f600}")), ..no_changes() };
    user.display_name = Some(display_name("Janet \u{1f600}"));
    assert_eq!(update(&scene, user.id, &changes).await, user);

    let changes = UserChanges { phone_number: Some(phone_number("+15550100199")), ..no_changes() };
    user.phone_number = Some(phone_number("+15550100199"));
    assert_eq!(update(&scene, user.id, &changes).await, user);

    assert_eq!(scene.login_record(user.id).await.password, password, "the password is as it was");
    assert_eq!(scene.user(other.id).await, other, "nobody else changes");
}

pub(super) async fn all_members_change_together(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let changes = UserChanges {
        username: Some(username("Janet")),
        email: Some(email("janet@example.com")),
        display_name: Some(display_name("Janet")),
        phone_number: Some(phone_number("+15550100199")),
        password_hash: Some(hash("second")),
    };
    let updated = update(&scene, user.id, &changes).await;
    let expected = User {
        identifiers: identifiers(Some("Janet"), Some("janet@example.com")),
        display_name: changes.display_name.clone(),
        phone_number: changes.phone_number.clone(),
        ..user
    };
    assert_eq!(updated, expected);
    assert!(scene.login_record(updated.id).await.password.hash == hash("second"));
}

pub(super) async fn changing_nothing_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let session = scene.open(&user, later(0)).await;
    let before = scene.login_record(user.id).await;
    assert_eq!(update(&scene, user.id, &no_changes()).await, user);
    assert_eq!(scene.login_record(user.id).await, before);
    assert_eq!(scene.session(session.session.id).await, session.session);
}

pub(super) async fn a_changed_email_is_unverified(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    store.verify_email(user.id).await;
    assert!(scene.user(user.id).await.email_verified, "the fixture's verify_email works");
    let old = user.identifiers.email().cloned();
    let changes = UserChanges { email: Some(email("new@example.com")), ..no_changes() };
    assert!(!update(&scene, user.id, &changes).await.email_verified);
    let back = UserChanges { email: old, ..no_changes() };
    assert!(!update(&scene, user.id, &back).await.email_verified, "nor when it is changed back");
}

pub(super) async fn an_email_in_another_spelling_stays_verified(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    store.verify_email(user.id).await;
    let changes = UserChanges { email: Some(email("JANE@Mail.Example")), ..no_changes() };
    let updated = update(&scene, user.id, &changes).await;
    assert_eq!((updated.email(), updated.email_verified), (Some("JANE@Mail.Example"), true));
}

pub(super) async fn an_email_stays_verified_when_something_else_changes(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    store.verify_email(user.id).await;
    let changes = UserChanges {
        username: Some(username("janet")),
        display_name: Some(display_name("Janet")),
        phone_number: Some(phone_number("+15550100199")),
        password_hash: Some(hash("second")),
        ..no_changes()
    };
    assert!(update(&scene, user.id, &changes).await.email_verified);
}

pub(super) async fn an_absent_user_is_not_changed(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let before = scene.login_record(user.id).await;
    let absent = UserId(scene.uuid());
    let taken = UserChanges { username: Some(username("jane")), ..no_changes() };
    let free = UserChanges { username: Some(username("free")), ..no_changes() };
    for changes in [&no_changes(), &free, &taken] {
        let outcome = scene.users().update(absent, changes, later(1)).await.expect("no fault");
        assert_eq!(outcome, UpdateOutcome::NotFound, "{changes:?}");
    }
    let status = scene.users().set_status(absent, UserStatus::Suspended, later(1)).await.expect("no fault");
    assert_eq!(status, None);
    let given = scene.users().set_roles(absent, &roles("admin"), later(1)).await.expect("no fault");
    assert_eq!(given, None);
    assert!(!scene.users().delete(absent).await.expect("no fault"));
    assert_eq!(scene.login_record(user.id).await, before);
    assert_eq!(scene.holder("free").await, None);
}

pub(super) async fn a_status_is_set_and_set_back(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    let user = scene.register_whole("jane").await;
    for status in [UserStatus::Suspended, UserStatus::Suspended, UserStatus::Active, UserStatus::Active] {
        let changed = scene.users().set_status(user.id, status, later(1)).await.expect("no fault");
        assert_eq!(changed, Some(User { status, ..user.clone() }));
        assert_eq!(scene.user(user.id).await.status, status);
    }
    assert_eq!(scene.user(other.id).await, other, "nobody else changes");
}

pub(super) async fn roles_are_replaced_as_a_whole(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    let user = scene.register_whole("jane").await;
    for roles in [roles("editor"), roles("admin,editor"), Roles::default(), roles("customer")] {
        let changed = scene.users().set_roles(user.id, &roles, later(1)).await.expect("no fault");
        assert_eq!(changed, Some(User { roles: roles.clone(), ..user.clone() }));
        assert_eq!(scene.user(user.id).await.roles, roles);
    }
    assert_eq!(scene.user(other.id).await, other, "nobody else changes");
}

pub(super) async fn a_deleted_user_is_gone(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    let user = scene.register_whole("jane").await;
    assert!(scene.users().delete(user.id).await.expect("no fault"));
    for by in [UserRef::Id(user.id), UserRef::Number(user.number), UserRef::Identifier(key("jane"))] {
        assert_eq!(scene.users().find(&by).await.expect("no fault"), None, "{by:?}");
    }
    assert_eq!(scene.users().find_with_password(user.id).await.expect("no fault"), None);
    assert_eq!(scene.users().find_for_login(&key("jane")).await.expect("no fault"), None);
    assert_eq!(scene.users().list(None, 10).await.expect("no fault"), vec![other]);
    assert!(!scene.users().delete(user.id).await.expect("no fault"), "a user is deleted once");
}

pub(super) async fn of_10_deletions_of_one_user_exactly_one_succeeds(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for round in 0..10 {
        let user = scene.register_named(&format!("user {round}")).await;
        scene.open(&user, later(0)).await;
        let deleted = join_all((0..10).map(|_| scene.users().delete(user.id))).await;
        let deleted = deleted.into_iter().filter(|deleted| *deleted.as_ref().expect("no fault"));
        assert_eq!(deleted.count(), 1, "exactly one");
    }
}
