//! Password changes and hash upgrades.

use super::StoreUnderTest;
use super::concurrency::{both, concurrently, rounds};
use super::fixture::{Fixture, display_name, hash, later, only_success, roles};
use crate::model::{PasswordHash, PasswordVersion, UserChanges, UserId, UserStatus};
use crate::ports::UpdateOutcome;

async fn change(fixture: &Fixture<'_>, user: UserId, version: PasswordVersion, to: &PasswordHash) -> bool {
    fixture.users().change_password(user, version, to, later(1)).await.expect("no error")
}

async fn upgrade(fixture: &Fixture<'_>, user: UserId, old: &PasswordHash, new: &PasswordHash) -> bool {
    fixture.users().upgrade_password_hash(user, old, new).await.expect("no error")
}

pub(super) async fn each_password_change_counts_a_version(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_named("john").await;
    let others_password = fixture.login_record(other.id).await.password;
    let user = fixture.register_named("jane").await;
    let mut version = fixture.password_version(user.id).await;
    for text in ["second", "first", "first", "third"] {
        assert!(change(&fixture, user.id, version, &hash(text)).await);
        let stored = fixture.login_record(user.id).await.password;
        assert!(stored.hash == Some(hash(text)), "the new hash is stored");
        assert!(stored.version > version, "{:?} after {version:?}", stored.version);
        version = stored.version;
    }
    assert_eq!(fixture.login_record(other.id).await.password, others_password, "no other password changes");
}

pub(super) async fn password_in_an_update_counts_a_version(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let before = fixture.password_version(user.id).await;
    let changes = UserChanges {
        display_name: Some(display_name("Jane")),
        password_hash: Some(hash("second")),
        ..UserChanges::default()
    };
    let outcome = fixture.users().update(user.id, &changes, later(1)).await.expect("no error");
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
    let stored = fixture.login_record(user.id).await.password;
    assert!(stored.hash == Some(hash("second")), "the new hash is stored");
    assert!(stored.version > before, "{:?} after {before:?}", stored.version);
    assert!(!change(&fixture, user.id, before, &hash("third")).await, "the old version is outdated");
}

pub(super) async fn other_changes_count_no_version(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let before = fixture.password_version(user.id).await;
    assert!(upgrade(&fixture, user.id, &hash("first"), &hash("first, upgraded")).await);
    let changes = UserChanges { display_name: Some(display_name("Jane")), ..UserChanges::default() };
    fixture.users().update(user.id, &changes, later(1)).await.expect("no error");
    fixture.users().set_roles(user.id, &roles("admin"), later(1)).await.expect("no error");
    for status in [UserStatus::Suspended, UserStatus::Active] {
        fixture.users().set_status(user.id, status, later(1)).await.expect("no error");
    }
    assert_eq!(fixture.password_version(user.id).await, before);
}

pub(super) async fn outdated_version_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let outdated = fixture.password_version(user.id).await;
    assert!(change(&fixture, user.id, outdated, &hash("second")).await);
    let session = fixture.open(&user, later(2)).await;
    let before = fixture.login_record(user.id).await;
    let next = PasswordVersion(before.password.version.0 + 1);
    for version in [outdated, next, PasswordVersion(i64::MIN), PasswordVersion(i64::MAX)] {
        assert!(!change(&fixture, user.id, version, &hash("third")).await, "{version:?}");
    }
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.session(session.session.id).await, session.session, "the session is live");
}

pub(super) async fn password_of_an_unknown_user_is_not_changed(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let before = fixture.login_record(user.id).await;
    let unknown = UserId(fixture.uuid());
    assert!(!change(&fixture, unknown, before.password.version, &hash("second")).await);
    assert!(!upgrade(&fixture, unknown, &hash("first"), &hash("second")).await);
    assert_eq!(fixture.login_record(user.id).await, before);
}

pub(super) async fn one_of_20_changes_of_one_version_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for round in rounds() {
        let before = fixture.password_version(user.id).await;
        let hashes: Vec<_> = (0..20).map(|index| hash(&format!("{round}, {index}"))).collect();
        let changed = concurrently(hashes.iter().map(|to| change(&fixture, user.id, before, to)));
        let winner = only_success(hashes, &changed);
        let stored = fixture.login_record(user.id).await.password;
        assert!(stored.hash == Some(winner), "the hash of the successful change is stored");
        assert!(stored.version > before, "{:?} after {before:?}", stored.version);
    }
}

pub(super) async fn upgrade_replaces_only_the_hash_it_was_made_for(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_named("john").await;
    let user = fixture.register_named("jane").await;
    assert!(upgrade(&fixture, user.id, &hash("first"), &hash("better")).await);
    assert!(fixture.login_record(user.id).await.password.hash == Some(hash("better")));
    assert!(!upgrade(&fixture, user.id, &hash("first"), &hash("late")).await);
    for similar in ["BETTER", "better ", "bette", "%"] {
        assert!(!upgrade(&fixture, user.id, &hash(similar), &hash("wrong")).await, "{similar}");
    }
    assert!(fixture.login_record(user.id).await.password.hash == Some(hash("better")));
    assert!(
        fixture.login_record(other.id).await.password.hash == Some(hash("first")),
        "no other hash is replaced"
    );
}

pub(super) async fn one_of_20_hash_upgrades_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut stored = hash("first");
    for round in rounds() {
        let hashes: Vec<_> = (0..20).map(|index| hash(&format!("better {round}, {index}"))).collect();
        let upgraded = concurrently(hashes.iter().map(|new| upgrade(&fixture, user.id, &stored, new)));
        stored = only_success(hashes, &upgraded);
        assert!(fixture.login_record(user.id).await.password.hash.as_ref() == Some(&stored));
    }
}

pub(super) async fn upgrade_never_restores_a_changed_password(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for round in rounds() {
        let stored = fixture.login_record(user.id).await.password;
        let (better, changed) = (hash(&format!("better {round}")), hash(&format!("changed {round}")));
        let old = stored.hash.expect("a password");
        let upgrading = upgrade(&fixture, user.id, &old, &better);
        let changing = change(&fixture, user.id, stored.version, &changed);
        let (_, changed_it) = both(upgrading, changing);
        assert!(changed_it, "an upgrade counts no version");
        assert!(
            fixture.login_record(user.id).await.password.hash == Some(changed),
            "the changed password stays"
        );
    }
}
