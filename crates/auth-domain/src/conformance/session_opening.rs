//! Opening a session: the user must exist and be active, the password and the roles must be current.

use std::pin::Pin;

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, at_most, hash, later, now, roles};
use super::user_change::SessionEndingChange;
use crate::model::{NewSession, PasswordVersion, SessionEnd, User, UserId, UserStatus};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

/// Asserts that opening the session is denied and stores nothing.
async fn assert_denied(fixture: &Fixture<'_>, new: &NewSession) {
    assert_eq!(fixture.try_open(new, &at_most(1)).await, OpenOutcome::Denied);
    assert_eq!(fixture.find_session(new.session.id).await, None);
    assert_eq!(fixture.present(new.token(), later(100)).await, None);
}

pub(super) async fn outdated_password_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let old = fixture.password_version(user.id).await;
    let change = fixture.users().change_password(user.id, old, &hash("first"), later(1)).await;
    assert!(change.expect("no error"));
    let live = fixture.open(&user, later(2)).await.session;
    for version in [old, PasswordVersion(i64::MIN), PasswordVersion(i64::MAX)] {
        assert_denied(&fixture, &fixture.new_session(&user, version, later(3))).await;
    }
    assert_eq!(fixture.session(live.id).await, live, "a denied session ends no other session");
}

pub(super) async fn suspended_user_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    let users = fixture.users();
    users.set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no error");
    assert_denied(&fixture, &fixture.new_session(&user, version, later(2))).await;
    users.set_status(user.id, UserStatus::Active, later(3)).await.expect("no error");
    fixture.open(&user, later(4)).await;
}

pub(super) async fn outdated_roles_open_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let version = fixture.password_version(user.id).await;
    for others in ["", "admin", "customer", "admin,customer,editor"] {
        let new = fixture.new_session(&user, version, later(1));
        assert_denied(&fixture, &NewSession { roles: roles(others), ..new }).await;
    }
    fixture
        .users()
        .set_roles(user.id, &roles("editor"), later(2))
        .await
        .expect("no error")
        .expect("the user exists");
    assert_denied(&fixture, &fixture.new_session(&user, version, later(3))).await;
    fixture.open(&fixture.user(user.id).await, later(4)).await;
}

pub(super) async fn deleted_user_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    assert!(fixture.users().delete(user.id).await.expect("no error"));
    assert_denied(&fixture, &fixture.new_session(&user, version, later(1))).await;
    let unknown = User { id: UserId(fixture.uuid()), ..user };
    assert_denied(&fixture, &fixture.new_session(&unknown, version, later(1))).await;
}

pub(super) async fn hash_upgrade_does_not_prevent_a_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let proven = fixture.password_version(user.id).await;
    let upgrade = fixture.users().upgrade_password_hash(user.id, &hash("first"), &hash("better")).await;
    assert!(upgrade.expect("no error"));
    let new = fixture.new_session(&user, proven, later(1));
    assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
}

/// Opens six sessions of one user while `change` is made. Afterwards none of them is live, whichever call came first.
async fn race(store: &dyn StoreUnderTest, change: SessionEndingChange) {
    let fixture = &Fixture::new(store);
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let sessions: Vec<_> = (0..6).map(|_| fixture.new_session(&user, version, now())).collect();
        let mut calls: Vec<Pin<Box<dyn Future<Output = Option<OpenOutcome>> + Send + '_>>> = Vec::new();
        for new in &sessions {
            calls.push(Box::pin(async { Some(fixture.try_open(new, &SessionPolicy::default()).await) }));
        }
        let changing = async {
            change.apply(fixture, user.id, version, later(9)).await;
            None
        };
        calls.push(Box::pin(changing));
        let outcomes = concurrently(calls).into_iter().flatten();
        for (new, outcome) in sessions.iter().zip(outcomes) {
            let found = fixture.find_session(new.session.id).await;
            match (outcome, change.reason()) {
                (OpenOutcome::Opened, Some(reason)) => {
                    let end = found.and_then(|session| session.end);
                    assert_eq!(
                        end,
                        Some(SessionEnd { at: later(9), reason }),
                        "the change ends an opened session: {change:?}"
                    );
                }
                (OpenOutcome::Opened, None) | (OpenOutcome::Denied, _) => assert_eq!(found, None),
            }
        }
    }
}

pub(super) async fn concurrent_password_change_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, SessionEndingChange::Password).await;
}

pub(super) async fn concurrent_password_update_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, SessionEndingChange::PasswordInUpdate).await;
}

pub(super) async fn concurrent_suspension_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, SessionEndingChange::Suspension).await;
}

pub(super) async fn concurrent_role_change_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, SessionEndingChange::Roles).await;
}

pub(super) async fn concurrent_deletion_leaves_no_session(store: &dyn StoreUnderTest) {
    race(store, SessionEndingChange::Deletion).await;
}
