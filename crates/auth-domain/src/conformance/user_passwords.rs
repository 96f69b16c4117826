//! Changing passwords, and bettering their hashes.

use futures_util::future::{join, join_all};

use super::StoreFixture;
use super::scene::{Scene, display_name, hash, later, roles};
use crate::model::{PasswordHash, PasswordVersion, UserChanges, UserId, UserStatus};
use crate::ports::UpdateOutcome;

async fn change(scene: &Scene<'_>, user: UserId, version: PasswordVersion, to: &PasswordHash) -> bool {
    scene.users().change_password(user, version, to, later(1)).await.expect("no fault")
}

async fn upgrade(scene: &Scene<'_>, user: UserId, old: &PasswordHash, new: &PasswordHash) -> bool {
    scene.users().upgrade_password_hash(user, old, new).await.expect("no fault")
}

pub(super) async fn each_change_of_a_password_counts_a_new_version(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_named("john").await;
    let others_password = scene.login_record(other.id).await.password;
    let user = scene.register_named("jane").await;
    let mut version = scene.password_version(user.id).await;
    for text in ["second", "first", "first", "third"] {
        assert!(change(&scene, user.id, version, &hash(text)).await);
        let stored = scene.login_record(user.id).await.password;
        assert!(stored.hash == hash(text), "the hash is the new one");
        assert!(stored.version > version, "{:?} after {version:?}", stored.version);
        version = stored.version;
    }
    assert_eq!(scene.login_record(other.id).await.password, others_password, "nobody else's changes");
}

pub(super) async fn a_password_changed_with_other_members_counts_a_new_version(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let before = scene.password_version(user.id).await;
    let changes = UserChanges {
        display_name: Some(display_name("Jane")),
        password_hash: Some(hash("second")),
        ..UserChanges::default()
    };
    let outcome = scene.users().update(user.id, &changes, later(1)).await.expect("no fault");
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
    let stored = scene.login_record(user.id).await.password;
    assert!(stored.hash == hash("second"), "the hash is the new one");
    assert!(stored.version > before, "{:?} after {before:?}", stored.version);
    assert!(!change(&scene, user.id, before, &hash("third")).await, "the old version is outdated");
}

pub(super) async fn what_is_no_change_of_the_password_counts_no_version(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let before = scene.password_version(user.id).await;
    assert!(upgrade(&scene, user.id, &hash("first"), &hash("first, but better")).await);
    let changes = UserChanges { display_name: Some(display_name("Jane")), ..UserChanges::default() };
    scene.users().update(user.id, &changes, later(1)).await.expect("no fault");
    scene.users().set_roles(user.id, &roles("admin"), later(1)).await.expect("no fault");
    for status in [UserStatus::Suspended, UserStatus::Active] {
        scene.users().set_status(user.id, status, later(1)).await.expect("no fault");
    }
    assert_eq!(scene.password_version(user.id).await, before);
}

pub(super) async fn a_change_by_an_outdated_version_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let outdated = scene.password_version(user.id).await;
    assert!(change(&scene, user.id, outdated, &hash("second")).await);
    let session = scene.open(&user, later(2)).await;
    let before = scene.login_record(user.id).await;
    let next = PasswordVersion(before.password.version.0 + 1);
    for version in [outdated, next, PasswordVersion(i64::MIN), PasswordVersion(i64::MAX)] {
        assert!(!change(&scene, user.id, version, &hash("third")).await, "{version:?}");
    }
    assert_eq!(scene.login_record(user.id).await, before);
    assert_eq!(scene.session(session.session.id).await, session.session, "the session is live");
}

pub(super) async fn an_absent_users_password_is_not_changed(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let before = scene.login_record(user.id).await;
    let absent = UserId(scene.uuid());
    assert!(!change(&scene, absent, before.password.version, &hash("second")).await);
    assert!(!upgrade(&scene, absent, &hash("first"), &hash("second")).await);
    assert_eq!(scene.login_record(user.id).await, before);
}

pub(super) async fn of_20_changes_of_one_version_exactly_one_succeeds(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for round in 0..5 {
        let before = scene.password_version(user.id).await;
        let hashes: Vec<_> = (0..20).map(|index| hash(&format!("{round}, {index}"))).collect();
        let changed = join_all(hashes.iter().map(|to| change(&scene, user.id, before, to))).await;
        let winners: Vec<_> = changed.iter().zip(&hashes).filter(|(changed, _)| **changed).collect();
        assert_eq!(winners.len(), 1, "exactly one");
        let stored = scene.login_record(user.id).await.password;
        assert!(stored.hash == *winners[0].1, "the hash is that of the one who succeeded");
        assert!(stored.version > before, "{:?} after {before:?}", stored.version);
    }
}

pub(super) async fn a_better_hash_replaces_the_one_it_was_made_for_and_no_other(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.register_named("john").await;
    let user = scene.register_named("jane").await;
    assert!(upgrade(&scene, user.id, &hash("first"), &hash("better")).await);
    assert!(scene.login_record(user.id).await.password.hash == hash("better"));
    assert!(!upgrade(&scene, user.id, &hash("first"), &hash("late")).await);
    for resembling in ["BETTER", "better ", "bette", "%"] {
        assert!(!upgrade(&scene, user.id, &hash(resembling), &hash("wrong")).await, "{resembling}");
    }
    assert!(scene.login_record(user.id).await.password.hash == hash("better"));
    assert!(scene.login_record(other.id).await.password.hash == hash("first"), "nobody else's is replaced");
}

pub(super) async fn of_20_better_hashes_exactly_one_is_taken(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let first = hash("first");
    let hashes: Vec<_> = (0..20).map(|index| hash(&format!("better {index}"))).collect();
    let taken = join_all(hashes.iter().map(|new| upgrade(&scene, user.id, &first, new))).await;
    let winners: Vec<_> = taken.iter().zip(&hashes).filter(|(taken, _)| **taken).collect();
    assert_eq!(winners.len(), 1, "exactly one");
    assert!(scene.login_record(user.id).await.password.hash == *winners[0].1);
}

pub(super) async fn a_better_hash_never_brings_back_a_changed_password(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for round in 0..20 {
        let stored = scene.login_record(user.id).await.password;
        let (better, changed) = (hash(&format!("better {round}")), hash(&format!("changed {round}")));
        let upgrading = upgrade(&scene, user.id, &stored.hash, &better);
        let changing = change(&scene, user.id, stored.version, &changed);
        let changed_it = if round % 2 == 0 {
            join(upgrading, changing).await.1
        } else {
            join(changing, upgrading).await.0
        };
        assert!(changed_it, "a better hash is no new version");
        assert!(scene.login_record(user.id).await.password.hash == changed, "the changed password stays");
    }
}
