//! Lists of users in pages.

use uuid::Uuid;

use super::StoreUnderTest;
use super::fixture::{Fixture, identifiers, later, roles};
use crate::model::{NewUser, User, UserId, UserNumber};

async fn register_users(fixture: &Fixture<'_>, count: usize) -> Vec<User> {
    let mut users = Vec::new();
    for index in 0..count {
        users.push(fixture.register_full_user(&format!("user{index}")).await);
    }
    users.sort_by_key(|user| user.number);
    users
}

async fn list(fixture: &Fixture<'_>, after: Option<UserNumber>, limit: u32) -> Vec<User> {
    fixture.users().list(after, limit).await.expect("no error")
}

pub(super) async fn pages_list_every_user_once_in_ascending_order(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let users = register_users(&fixture, 7).await;
    for limit in [1, 2, 3, 7, 8] {
        let mut listed = Vec::new();
        loop {
            let page = list(&fixture, listed.last().map(|user: &User| user.number), limit).await;
            if page.is_empty() {
                break;
            }
            listed.extend(page);
            assert!(listed.len() <= users.len(), "pages of {limit} must end");
        }
        assert_eq!(listed, users, "pages of {limit}");
    }
}

pub(super) async fn page_is_filled_up_to_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_eq!(list(&fixture, None, 10).await, vec![], "a fresh store is empty");
    let users = register_users(&fixture, 4).await;
    assert_eq!(list(&fixture, None, 0).await, vec![]);
    assert_eq!(list(&fixture, None, 3).await, users[..3]);
    assert_eq!(list(&fixture, Some(users[0].number), 2).await, users[1..3]);
    assert_eq!(list(&fixture, None, u32::MAX).await, users);
}

pub(super) async fn page_starts_after_any_given_number(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let users = register_users(&fixture, 3).await;
    for before in [i64::MIN, -1, 0, users[0].number.0 - 1] {
        assert_eq!(list(&fixture, Some(UserNumber(before)), 10).await, users, "after {before}");
    }
    for beyond in [users[2].number.0, 1 << 53, i64::MAX] {
        assert_eq!(list(&fixture, Some(UserNumber(beyond)), 10).await, vec![], "after {beyond}");
    }
}

pub(super) async fn page_can_start_after_a_deleted_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let users = register_users(&fixture, 4).await;
    assert!(fixture.users().delete(users[1].id).await.expect("no error"));
    assert_eq!(list(&fixture, None, 2).await, [users[0].clone(), users[2].clone()]);
    assert_eq!(list(&fixture, Some(users[1].number), 10).await, users[2..]);
}

pub(super) async fn pages_of_12_users_are_in_the_order_of_their_numbers(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut users = Vec::new();
    for index in 0..14 {
        // Neither the ids, nor the names, nor the times are in the order of the numbers.
        let name = format!("user{}", 99 - index);
        let new = NewUser {
            id: UserId(Uuid::from_u128(u128::MAX - u128::from(index))),
            created_at: later(100 - index),
            ..fixture.new_user(identifiers(Some(&name), None))
        };
        users.push(fixture.register(&new).await);
    }
    for index in [12, 4] {
        assert!(fixture.users().delete(users.remove(index).id).await.expect("no error"));
    }
    for user in [0, 5, 11] {
        users[user].roles = roles("editor");
        fixture.users().set_roles(users[user].id, &roles("editor"), later(200)).await.expect("no error");
    }
    assert_eq!(list(&fixture, None, u32::MAX).await, users, "all twelve");
    for limit in [1, 5, 11] {
        for (index, user) in users.iter().enumerate() {
            let end = users.len().min(index + 1 + limit as usize);
            assert_eq!(
                list(&fixture, Some(user.number), limit).await,
                users[index + 1..end],
                "{limit} after {index}"
            );
        }
    }
}
