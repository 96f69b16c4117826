//! Showing users as they were a moment ago, and never as they were before a change that was made here.

use super::StoreFixture;
use super::scene::{Scene, display_name, email, hash, identifiers, later, phone_number, roles, username};
use crate::model::{User, UserChanges, UserId, UserStatus};

async fn recent(scene: &Scene<'_>, user: UserId) -> Option<User> {
    scene.users().find_recent(user).await.expect("no fault")
}

/// That the user is shown as they are stored, now and when they have been shown before.
async fn assert_shown(scene: &Scene<'_>, user: UserId, why: &str) {
    let stored = scene.user(user).await;
    for _ in 0..2 {
        assert_eq!(recent(scene, user).await.as_ref(), Some(&stored), "{why}");
    }
}

pub(super) async fn a_user_is_shown_as_they_are_stored(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for user in [scene.register_whole("jane").await, scene.register_named("john").await] {
        assert_shown(&scene, user.id, "nothing has changed").await;
    }
    assert_eq!(recent(&scene, UserId(scene.uuid())).await, None);
}

pub(super) async fn whoever_registers_is_shown_though_they_were_looked_for_before(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.new_user(identifiers(Some("jane"), None));
    assert_eq!(recent(&scene, user.id).await, None);
    scene.register(&user).await;
    assert_shown(&scene, user.id, "they have registered").await;
}

pub(super) async fn a_change_is_shown_at_once(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    let user = scene.register_whole("jane").await.id;
    for changes in [
        UserChanges { username: Some(username("Janet")), ..UserChanges::default() },
        UserChanges { email: Some(email("janet@mail.example")), ..UserChanges::default() },
        UserChanges { display_name: Some(display_name("Janet")), ..UserChanges::default() },
        UserChanges { phone_number: Some(phone_number("+15550100199")), ..UserChanges::default() },
        UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() },
    ] {
        scene.users().update(user, &changes, later(1)).await.expect("no fault");
        assert_shown(&scene, user, &format!("{changes:?}")).await;
    }
    let version = scene.password_version(user).await;
    assert!(scene.users().change_password(user, version, &hash("third"), later(1)).await.expect("no fault"));
    assert_shown(&scene, user, "another password").await;
    for status in [UserStatus::Suspended, UserStatus::Active] {
        scene.users().set_status(user, status, later(1)).await.expect("no fault").expect("the user");
        assert_shown(&scene, user, status.as_str()).await;
    }
    for round in 0..20 {
        let roles = roles(&format!("role{round}"));
        scene.users().set_roles(user, &roles, later(1)).await.expect("no fault").expect("the user");
        assert_shown(&scene, user, "other roles").await;
    }
    assert_eq!(recent(&scene, other.id).await, Some(other), "nobody else changes");
}

pub(super) async fn a_deleted_user_is_not_shown(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_whole("john").await;
    for round in 0..10 {
        let user = scene.register_whole(&format!("jane{round}")).await;
        assert_shown(&scene, user.id, "they are there").await;
        assert!(scene.users().delete(user.id).await.expect("no fault"));
        assert_eq!(recent(&scene, user.id).await, None);
    }
    assert_shown(&scene, other.id, "nobody else is deleted").await;
}
