//! The numbers that a store gives its users.

use futures_util::future::join_all;

use super::StoreFixture;
use super::scene::{Scene, identifiers};
use crate::model::UserNumber;
use crate::ports::RegisterOutcome;

pub(super) async fn numbers_are_at_least_1_and_below_2_to_the_53(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for index in 0..3 {
        let number = scene.register_named(&format!("user {index}")).await.number;
        assert!((1..1 << 53).contains(&number.0), "{number}");
    }
}

pub(super) async fn each_number_is_greater_than_those_before(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let mut last = UserNumber(0);
    for index in 0..20 {
        let number = scene.register_named(&format!("user {index}")).await.number;
        assert!(number > last, "{number} after {last}");
        last = number;
    }
}

pub(super) async fn the_number_of_a_deleted_user_is_never_given_again(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let mut last = scene.register_named("the first").await.number;
    for round in 0..5 {
        let user = scene.register_named(&format!("user {round}")).await;
        assert!(user.number > last, "{} after {last}", user.number);
        last = user.number;
        assert!(scene.users().delete(user.id).await.expect("no fault"));
    }
}

pub(super) async fn numbers_are_not_given_again_when_everybody_is_deleted(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let mut last = UserNumber(0);
    for round in 0..3 {
        let users = [
            scene.register_named(&format!("user {round} a")).await,
            scene.register_named(&format!("user {round} b")).await,
        ];
        for user in users {
            assert!(user.number > last, "{} after {last}", user.number);
            last = user.number;
            assert!(scene.users().delete(user.id).await.expect("no fault"));
        }
    }
}

pub(super) async fn users_who_register_at_once_have_different_numbers(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let new: Vec<_> =
        (0..30).map(|index| scene.new_user(identifiers(Some(&format!("user {index}")), None))).collect();
    let outcomes = join_all(new.iter().map(|user| scene.users().register(user))).await;
    let mut numbers: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome.expect("no fault") {
            RegisterOutcome::Registered(user) => user.number,
            RegisterOutcome::Taken(kind) => panic!("the {kind:?} is free"),
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 30, "each a number of their own: {numbers:?}");
}
