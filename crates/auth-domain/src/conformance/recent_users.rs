//! `find_recent`: a user may be cached, but never in a state older than a change made through the same process.

use super::StoreUnderTest;
use super::fixture::{
    Fixture, display_name, email, hash, identifiers, later, metadata, phone_number, roles, username,
};
use crate::model::{ImportedUser, MetadataChange, User, UserChanges, UserId, UserStatus};

async fn recent(fixture: &Fixture<'_>, user: UserId) -> Option<User> {
    fixture.users().find_recent(user).await.expect("no error")
}

/// Asserts that `find_recent` returns the stored user, on the first call and on a second one that a cache may answer.
async fn assert_current(fixture: &Fixture<'_>, user: UserId, why: &str) {
    let stored = fixture.user(user).await;
    for _ in 0..2 {
        assert_eq!(recent(fixture, user).await.as_ref(), Some(&stored), "{why}");
    }
}

pub(super) async fn recent_user_equals_the_stored_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for user in [fixture.register_full_user("jane").await, fixture.register_named("john").await] {
        assert_current(&fixture, user.id, "no change").await;
    }
    assert_eq!(recent(&fixture, UserId(fixture.uuid())).await, None);
}

pub(super) async fn registered_user_is_found_after_an_earlier_miss(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.new_user(identifiers(Some("jane"), None));
    assert_eq!(recent(&fixture, user.id).await, None);
    fixture.register(&user).await;
    assert_current(&fixture, user.id, "registered").await;

    let imported = ImportedUser {
        user: fixture.new_user(identifiers(Some("john"), None)),
        email_verified: false,
        status: UserStatus::Active,
        external_id: None,
    };
    let id = imported.user.id;
    assert_eq!(recent(&fixture, id).await, None);
    fixture.users().import(&[imported]).await.expect("no error");
    assert_current(&fixture, id, "imported").await;
}

pub(super) async fn changed_user_is_returned_at_once(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let user = fixture.register_full_user("jane").await.id;
    for changes in [
        UserChanges { username: Some(username("Janet")), ..UserChanges::default() },
        UserChanges { email: Some(email("janet@mail.example")), ..UserChanges::default() },
        UserChanges { display_name: Some(display_name("Janet")), ..UserChanges::default() },
        UserChanges { phone_number: Some(phone_number("+15550100199")), ..UserChanges::default() },
        UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() },
        UserChanges { metadata: MetadataChange::Set(metadata("{}")), ..UserChanges::default() },
        UserChanges { metadata: MetadataChange::Remove, ..UserChanges::default() },
    ] {
        fixture.users().update(user, &changes, later(1)).await.expect("no error");
        assert_current(&fixture, user, &format!("{changes:?}")).await;
    }
    let version = fixture.password_version(user).await;
    assert!(
        fixture.users().change_password(user, version, &hash("third"), later(1)).await.expect("no error")
    );
    assert_current(&fixture, user, "password changed").await;
    for status in [UserStatus::Suspended, UserStatus::Active] {
        fixture.users().set_status(user, status, later(1)).await.expect("no error").expect("the user");
        assert_current(&fixture, user, status.as_str()).await;
    }
    for round in 0..20 {
        let roles = roles(&format!("role{round}"));
        fixture.users().set_roles(user, &roles, later(1)).await.expect("no error").expect("the user");
        assert_current(&fixture, user, "roles changed").await;
    }
    assert_eq!(recent(&fixture, other.id).await, Some(other), "no other user changes");
}

pub(super) async fn deleted_user_is_not_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    for round in 0..10 {
        let user = fixture.register_full_user(&format!("jane{round}")).await;
        assert_current(&fixture, user.id, "not deleted yet").await;
        assert!(fixture.users().delete(user.id).await.expect("no error"));
        assert_eq!(recent(&fixture, user.id).await, None);
    }
    assert_current(&fixture, other.id, "no other user is deleted").await;
}
