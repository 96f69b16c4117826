//! Concurrent writes of the same names.

use super::StoreUnderTest;
use super::concurrency::{both, concurrently, rounds};
use super::fixture::{Fixture, email, identifiers, later, username};
use crate::model::{IdentifierKind, ImportOutcome, ImportedUser, NewUser, UserChanges, UserId, UserStatus};
use crate::ports::{RegisterOutcome, UpdateOutcome};

/// Registers all users concurrently and returns the ids of those that succeed.
fn register_concurrently(fixture: &Fixture<'_>, users: &[NewUser]) -> Vec<UserId> {
    let outcomes = concurrently(users.iter().map(|user| fixture.users().register(user)));
    let registered = outcomes.into_iter().filter_map(|outcome| match outcome.expect("no error") {
        RegisterOutcome::Registered(user) => Some(user.id),
        RegisterOutcome::Taken(_) => None,
    });
    registered.collect()
}

/// Makes all changes concurrently and returns the ids of the users whose change succeeds.
fn update_concurrently(fixture: &Fixture<'_>, changes: &[(UserId, UserChanges)]) -> Vec<UserId> {
    let calls = changes.iter().map(|(user, changes)| fixture.users().update(*user, changes, later(1)));
    let updated = concurrently(calls).into_iter().filter_map(|outcome| match outcome.expect("no error") {
        UpdateOutcome::Updated(user) => Some(user.id),
        UpdateOutcome::Taken(_) => None,
        UpdateOutcome::NotFound => panic!("the user exists"),
    });
    updated.collect()
}

fn names(name: &str, address: &str) -> UserChanges {
    UserChanges { username: Some(username(name)), email: Some(email(address)), ..UserChanges::default() }
}

pub(super) async fn one_of_50_registrations_of_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut holders = Vec::new();
    for round in rounds() {
        let mut users = Vec::new();
        for index in 0..50 {
            let own = format!("user {round} {index}");
            users.push(fixture.new_user(match index % 3 {
                0 => identifiers(Some(&format!("jane{round}@example.com")), None),
                1 => identifiers(None, Some(&format!("JANE{round}@example.com"))),
                _ => identifiers(Some(&own), Some(&format!("Jane{round}@EXAMPLE.com"))),
            }));
        }
        let registered = register_concurrently(&fixture, &users);
        assert_eq!(registered.len(), 1, "exactly one registration succeeds");
        assert_eq!(fixture.holder(&format!("jane{round}@example.com")).await, Some(registered[0]));
        holders.extend(registered);
    }
    let listed = fixture.users().list(None, u32::MAX).await.expect("no error");
    assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), holders, "no other user is stored");
}

pub(super) async fn one_of_20_changes_to_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut ids = Vec::new();
    for index in 0..20 {
        ids.push(fixture.register_named(&format!("user {index}")).await.id);
    }
    for round in rounds() {
        let spelling = |index: usize| format!("{}{round}", ["wanted", "WANTED", "Wanted"][index % 3]);
        let change =
            |index| UserChanges { username: Some(username(&spelling(index))), ..UserChanges::default() };
        let changes: Vec<_> = ids.iter().enumerate().map(|(index, id)| (*id, change(index))).collect();
        let updated = update_concurrently(&fixture, &changes);
        assert_eq!(updated.len(), 1, "exactly one change succeeds");
        assert_eq!(fixture.holder(&spelling(0)).await, Some(updated[0]));
        let names = fixture.users().list(None, 20).await.expect("no error");
        let wanted = names.iter().filter(|user| user.username().is_some_and(|name| name == spelling(0)));
        assert!(wanted.count() <= 1, "the others keep their names");
    }
}

pub(super) async fn one_of_registration_and_change_to_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let wanted = format!("wanted{round}@example.com");
        let user = fixture.register_named(&format!("user {round}")).await;
        let new = fixture.new_user(identifiers(None, Some(&wanted)));
        let changes = UserChanges { username: Some(username(&wanted)), ..UserChanges::default() };
        let (registered, updated) =
            both(fixture.users().register(&new), fixture.users().update(user.id, &changes, later(1)));
        let holder = fixture.holder(&wanted).await;
        match (registered.expect("no error"), updated.expect("no error")) {
            (RegisterOutcome::Registered(_), UpdateOutcome::Taken(IdentifierKind::Username)) => {
                assert_eq!(holder, Some(new.id));
            }
            (RegisterOutcome::Taken(IdentifierKind::Email), UpdateOutcome::Updated(_)) => {
                assert_eq!(holder, Some(user.id));
            }
            outcomes => panic!("exactly one succeeds: {outcomes:?}"),
        }
    }
}

pub(super) async fn one_of_6_registrations_with_crossed_names_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let (a, b) = (format!("a{round}@example.com"), format!("b{round}@example.com"));
        let mut users = Vec::new();
        for index in 0..6 {
            let (name, address) = if (index + round).is_multiple_of(2) { (&a, &b) } else { (&b, &a) };
            users.push(fixture.new_user(identifiers(Some(name), Some(address))));
        }
        let registered = register_concurrently(&fixture, &users);
        assert_eq!(registered.len(), 1, "exactly one registration succeeds");
        assert_eq!(fixture.holder(&a).await, Some(registered[0]));
        assert_eq!(fixture.holder(&b).await, Some(registered[0]));
    }
}

pub(super) async fn one_of_2_changes_to_crossed_names_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let (a, b) = (format!("a{round}@example.com"), format!("b{round}@example.com"));
        let one = fixture.register_named(&format!("one {round}")).await.id;
        let other = fixture.register_named(&format!("other {round}")).await.id;
        let updated = update_concurrently(&fixture, &[(one, names(&a, &b)), (other, names(&b, &a))]);
        assert_eq!(updated.len(), 1, "exactly one change succeeds");
        assert_eq!(fixture.holder(&a).await, Some(updated[0]));
        assert_eq!(fixture.holder(&b).await, Some(updated[0]));
    }
}

pub(super) async fn swap_of_names_between_users_is_rejected_without_error(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let (a, b) = (format!("a{round}@example.com"), format!("b{round}@example.com"));
        let one = fixture.register_named(&a).await.id;
        let other = fixture.register_named(&b).await.id;
        let swap = [
            (one, UserChanges { username: Some(username(&b)), ..UserChanges::default() }),
            (other, UserChanges { username: Some(username(&a)), ..UserChanges::default() }),
        ];
        assert_eq!(update_concurrently(&fixture, &swap), vec![], "both names are taken");
        assert_eq!((fixture.holder(&a).await, fixture.holder(&b).await), (Some(one), Some(other)));
    }
}

pub(super) async fn name_freed_during_a_registration_has_at_most_one_holder(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let name = format!("name {round}");
        let old = fixture.register_named(&name).await;
        let new = fixture.new_user(identifiers(Some(&name), None));
        let (deleted, registered) = both(fixture.users().delete(old.id), fixture.users().register(&new));
        assert!(deleted.expect("no error"));
        let holder = match registered.expect("no error") {
            RegisterOutcome::Registered(user) => Some(user.id),
            RegisterOutcome::Taken(_) => None,
        };
        assert_eq!(fixture.holder(&name).await, holder);
    }
}

pub(super) async fn one_of_import_and_change_to_one_name_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for round in rounds() {
        let wanted = format!("wanted {round}");
        let imported = ImportedUser {
            user: fixture.new_user(identifiers(Some(&wanted), None)),
            email_verified: false,
            status: UserStatus::Active,
            external_id: None,
        };
        let changes = UserChanges { username: Some(username(&wanted)), ..UserChanges::default() };
        let batch = std::slice::from_ref(&imported);
        let (imported_it, updated) =
            both(fixture.users().import(batch), fixture.users().update(user.id, &changes, later(1)));
        let holder = fixture.holder(&wanted).await;
        match (&imported_it.expect("no error")[..], updated.expect("no error")) {
            ([ImportOutcome::Imported], UpdateOutcome::Taken(_)) => {
                assert_eq!(holder, Some(imported.user.id));
            }
            ([ImportOutcome::Taken(_)], UpdateOutcome::Updated(_)) => assert_eq!(holder, Some(user.id)),
            outcomes => panic!("exactly one succeeds: {outcomes:?}"),
        }
    }
}
