//! User numbers.

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, identifiers};
use crate::model::{ImportedUser, UserNumber, UserStatus};
use crate::ports::RegisterOutcome;

pub(super) async fn numbers_are_at_least_1_and_below_2_to_the_53(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for index in 0..3 {
        let number = fixture.register_named(&format!("user {index}")).await.number;
        assert!((1..1 << 53).contains(&number.0), "{number}");
    }
}

pub(super) async fn each_number_exceeds_all_earlier_numbers(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut last = UserNumber(0);
    for index in 0..20 {
        let number = fixture.register_named(&format!("user {index}")).await.number;
        assert!(number > last, "{number} after {last}");
        last = number;
    }
}

pub(super) async fn number_of_a_deleted_user_is_not_reused(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut last = fixture.register_named("the first").await.number;
    for round in 0..5 {
        let user = fixture.register_named(&format!("user {round}")).await;
        assert!(user.number > last, "{} after {last}", user.number);
        last = user.number;
        assert!(fixture.users().delete(user.id).await.expect("no error"));
    }
}

pub(super) async fn numbers_are_not_reused_when_all_users_are_deleted(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut last = UserNumber(0);
    for round in 0..3 {
        let users = [
            fixture.register_named(&format!("user {round} a")).await,
            fixture.register_named(&format!("user {round} b")).await,
        ];
        for user in users {
            assert!(user.number > last, "{} after {last}", user.number);
            last = user.number;
            assert!(fixture.users().delete(user.id).await.expect("no error"));
        }
        let imported = ImportedUser {
            user: fixture.new_user(identifiers(Some(&format!("user {round} c")), None)),
            email_verified: false,
            status: UserStatus::Active,
            external_id: None,
        };
        fixture.users().import(std::slice::from_ref(&imported)).await.expect("no error");
        let user = fixture.user(imported.user.id).await;
        assert!(user.number > last, "imported: {} after {last}", user.number);
        last = user.number;
        assert!(fixture.users().delete(user.id).await.expect("no error"));
    }
}

pub(super) async fn concurrent_registrations_get_different_numbers(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for round in rounds() {
        let new: Vec<_> = (0..30)
            .map(|index| fixture.new_user(identifiers(Some(&format!("user {round} {index}")), None)))
            .collect();
        let outcomes = concurrently(new.iter().map(|user| fixture.users().register(user)));
        let mut numbers: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| match outcome.expect("no error") {
                RegisterOutcome::Registered(user) => user.number,
                RegisterOutcome::Taken(kind) => panic!("the {kind:?} must be free"),
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 30, "each user has a different number: {numbers:?}");
    }
}
