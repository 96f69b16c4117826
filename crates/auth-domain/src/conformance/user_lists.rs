//! Lists of users in pages.

use super::StoreUnderTest;
use super::fixture::Fixture;
use crate::model::{User, UserNumber};

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
