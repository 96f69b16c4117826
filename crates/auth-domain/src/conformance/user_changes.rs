//! Changing and deleting users.

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{
    Fixture, display_name, email, hash, identifiers, key, later, metadata, most_roles, phone_number, roles,
    username,
};
use crate::model::{MetadataChange, Roles, User, UserChanges, UserId, UserRef, UserStatus};
use crate::ports::UpdateOutcome;

/// Makes a change without a conflict and returns the changed user, after comparing it with the stored one.
async fn update(fixture: &Fixture<'_>, user: UserId, changes: &UserChanges) -> User {
    match fixture.users().update(user, changes, later(1)).await.expect("no error") {
        UpdateOutcome::Updated(updated) => {
            assert_eq!(fixture.user(user).await, updated, "the returned user is the stored one");
            updated
        }
        outcome => panic!("{changes:?} must succeed: {outcome:?}"),
    }
}

fn no_changes() -> UserChanges {
    UserChanges::default()
}

pub(super) async fn each_member_changes_on_its_own(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let mut user = fixture.register_full_user("jane").await;
    let password = fixture.login_record(user.id).await.password;

    let changes = UserChanges { username: Some(username("Janet")), ..no_changes() };
    user.identifiers = user.identifiers.changed(Some(username("Janet")), None);
    assert_eq!(update(&fixture, user.id, &changes).await, user);

    let changes = UserChanges { email: Some(email("janet@mail.example")), ..no_changes() };
    user.identifiers = user.identifiers.changed(None, Some(email("janet@mail.example")));
    assert_eq!(update(&fixture, user.id, &changes).await, user);

    let changes = UserChanges { display_name: Some(display_name("Janet \u{1f600}")), ..no_changes() };
    user.display_name = Some(display_name("Janet \u{1f600}"));
    assert_eq!(update(&fixture, user.id, &changes).await, user);

    let changes = UserChanges { phone_number: Some(phone_number("+15550100199")), ..no_changes() };
    user.phone_number = Some(phone_number("+15550100199"));
    assert_eq!(update(&fixture, user.id, &changes).await, user);

    let changes = UserChanges { metadata: MetadataChange::Set(metadata("[]")), ..no_changes() };
    user.metadata = Some(metadata("[]"));
    assert_eq!(update(&fixture, user.id, &changes).await, user);

    assert_eq!(fixture.login_record(user.id).await.password, password, "the password is unchanged");
    assert_eq!(fixture.user(other.id).await, other, "no other user changes");
}

pub(super) async fn all_members_change_together(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let changes = UserChanges {
        username: Some(username("Janet")),
        email: Some(email("janet@example.com")),
        display_name: Some(display_name("Janet")),
        phone_number: Some(phone_number("+15550100199")),
        password_hash: Some(hash("second")),
        metadata: MetadataChange::Set(metadata("{}")),
    };
    let updated = update(&fixture, user.id, &changes).await;
    let expected = User {
        identifiers: identifiers(Some("Janet"), Some("janet@example.com")),
        display_name: changes.display_name.clone(),
        phone_number: changes.phone_number.clone(),
        metadata: Some(metadata("{}")),
        ..user
    };
    assert_eq!(updated, expected);
    assert!(fixture.login_record(updated.id).await.password.hash == Some(hash("second")));
}

pub(super) async fn metadata_is_kept_replaced_or_removed(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let user = fixture.register_named("jane").await;
    for (change, expected) in [
        (MetadataChange::Keep, None),
        (MetadataChange::Remove, None),
        (MetadataChange::Set(metadata("1")), Some("1")),
        (MetadataChange::Keep, Some("1")),
        (MetadataChange::Set(metadata("2")), Some("2")),
        (MetadataChange::Remove, None),
    ] {
        let changes = UserChanges { metadata: change, ..no_changes() };
        let expected = User { metadata: expected.map(metadata), ..user.clone() };
        assert_eq!(update(&fixture, user.id, &changes).await, expected, "after {changes:?}");
    }
    assert_eq!(fixture.user(other.id).await, other, "no other user changes");
}

pub(super) async fn empty_change_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let session = fixture.open(&user, later(0)).await;
    let before = fixture.login_record(user.id).await;
    assert_eq!(update(&fixture, user.id, &no_changes()).await, user);
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.session(session.session.id).await, session.session);
}

pub(super) async fn changed_email_is_unverified(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    store.verify_email(user.id).await;
    assert!(fixture.user(user.id).await.email_verified, "`verify_email` of the store under test must work");
    let old = user.identifiers.email().cloned();
    let changes = UserChanges { email: Some(email("new@example.com")), ..no_changes() };
    assert!(!update(&fixture, user.id, &changes).await.email_verified);
    let back = UserChanges { email: old, ..no_changes() };
    assert!(
        !update(&fixture, user.id, &back).await.email_verified,
        "still unverified when it is changed back"
    );
}

pub(super) async fn email_in_another_spelling_stays_verified(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    store.verify_email(user.id).await;
    let changes = UserChanges { email: Some(email("JANE@Mail.Example")), ..no_changes() };
    let updated = update(&fixture, user.id, &changes).await;
    assert_eq!((updated.email(), updated.email_verified), (Some("JANE@Mail.Example"), true));
}

pub(super) async fn email_stays_verified_when_other_members_change(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    store.verify_email(user.id).await;
    let changes = UserChanges {
        username: Some(username("janet")),
        display_name: Some(display_name("Janet")),
        phone_number: Some(phone_number("+15550100199")),
        password_hash: Some(hash("second")),
        ..no_changes()
    };
    assert!(update(&fixture, user.id, &changes).await.email_verified);
}

pub(super) async fn unknown_user_is_not_changed(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let before = fixture.login_record(user.id).await;
    let unknown = UserId(fixture.uuid());
    let taken = UserChanges { username: Some(username("jane")), ..no_changes() };
    let free = UserChanges { username: Some(username("free")), ..no_changes() };
    for changes in [&no_changes(), &free, &taken] {
        let outcome = fixture.users().update(unknown, changes, later(1)).await.expect("no error");
        assert_eq!(outcome, UpdateOutcome::NotFound, "{changes:?}");
    }
    let status =
        fixture.users().set_status(unknown, UserStatus::Suspended, later(1)).await.expect("no error");
    assert_eq!(status, None);
    let given = fixture.users().set_roles(unknown, &roles("admin"), later(1)).await.expect("no error");
    assert_eq!(given, None);
    assert!(!fixture.users().delete(unknown).await.expect("no error"));
    assert_eq!(fixture.login_record(user.id).await, before);
    assert_eq!(fixture.holder("free").await, None);
}

pub(super) async fn status_can_be_set_and_reset(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let user = fixture.register_full_user("jane").await;
    for status in [UserStatus::Suspended, UserStatus::Suspended, UserStatus::Active, UserStatus::Active] {
        let changed = fixture.users().set_status(user.id, status, later(1)).await.expect("no error");
        assert_eq!(changed, Some(User { status, ..user.clone() }));
        assert_eq!(fixture.user(user.id).await.status, status);
    }
    assert_eq!(fixture.user(other.id).await, other, "no other user changes");
}

pub(super) async fn roles_are_replaced_as_a_whole(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let user = fixture.register_full_user("jane").await;
    for roles in [roles("editor"), roles("admin,editor"), Roles::default(), most_roles(), roles("customer")] {
        let changed = fixture.users().set_roles(user.id, &roles, later(1)).await.expect("no error");
        assert_eq!(changed, Some(User { roles: roles.clone(), ..user.clone() }));
        assert_eq!(fixture.user(user.id).await.roles, roles);
    }
    assert_eq!(fixture.user(other.id).await, other, "no other user changes");
}

pub(super) async fn deleted_user_is_not_found(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.register_full_user("john").await;
    let user = fixture.register_full_user("jane").await;
    assert!(fixture.users().delete(user.id).await.expect("no error"));
    for by in [UserRef::Id(user.id), UserRef::Number(user.number), UserRef::Identifier(key("jane"))] {
        assert_eq!(fixture.users().find(&by).await.expect("no error"), None, "{by:?}");
    }
    assert_eq!(fixture.users().find_with_password(user.id).await.expect("no error"), None);
    assert_eq!(fixture.users().find_for_login(&key("jane")).await.expect("no error"), None);
    assert_eq!(fixture.users().list(None, 10).await.expect("no error"), vec![other]);
    assert!(!fixture.users().delete(user.id).await.expect("no error"), "a user is deleted only once");
}

pub(super) async fn one_of_10_deletions_of_one_user_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        fixture.open(&user, later(0)).await;
        let deleted = concurrently((0..10).map(|_| fixture.users().delete(user.id)));
        let deleted = deleted.into_iter().filter(|deleted| *deleted.as_ref().expect("no error"));
        assert_eq!(deleted.count(), 1, "exactly one deletion succeeds");
    }
}
