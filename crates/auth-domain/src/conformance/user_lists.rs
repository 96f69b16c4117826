//! Lists of users, page by page.

use super::StoreFixture;
use super::scene::Scene;
use crate::model::{User, UserNumber};

async fn register_users(scene: &Scene<'_>, count: usize) -> Vec<User> {
    let mut users = Vec::new();
    for index in 0..count {
        users.push(scene.register_whole(&format!("user{index}")).await);
    }
    users.sort_by_key(|user| user.number);
    users
}

async fn list(scene: &Scene<'_>, after: Option<UserNumber>, limit: u32) -> Vec<User> {
    scene.users().list(after, limit).await.expect("no fault")
}

pub(super) async fn pages_meet_every_user_once_in_ascending_order(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let users = register_users(&scene, 7).await;
    for limit in [1, 2, 3, 7, 8] {
        let mut met = Vec::new();
        loop {
            let page = list(&scene, met.last().map(|user: &User| user.number), limit).await;
            if page.is_empty() {
                break;
            }
            met.extend(page);
            assert!(met.len() <= users.len(), "pages of {limit} come to an end");
        }
        assert_eq!(met, users, "pages of {limit}");
    }
}

pub(super) async fn a_page_holds_as_many_as_asked_for_and_no_more(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    assert_eq!(list(&scene, None, 10).await, vec![], "a store is empty at first");
    let users = register_users(&scene, 4).await;
    assert_eq!(list(&scene, None, 0).await, vec![]);
    assert_eq!(list(&scene, None, 3).await, users[..3]);
    assert_eq!(list(&scene, Some(users[0].number), 2).await, users[1..3]);
    assert_eq!(list(&scene, None, u32::MAX).await, users);
}

pub(super) async fn a_page_begins_after_any_number_given(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let users = register_users(&scene, 3).await;
    for before in [i64::MIN, -1, 0, users[0].number.0 - 1] {
        assert_eq!(list(&scene, Some(UserNumber(before)), 10).await, users, "after {before}");
    }
    for beyond in [users[2].number.0, 1 << 53, i64::MAX] {
        assert_eq!(list(&scene, Some(UserNumber(beyond)), 10).await, vec![], "after {beyond}");
    }
}

pub(super) async fn a_deleted_user_is_not_listed_and_the_next_page_begins_after_them(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    let users = register_users(&scene, 4).await;
    assert!(scene.users().delete(users[1].id).await.expect("no fault"));
    assert_eq!(list(&scene, None, 2).await, [users[0].clone(), users[2].clone()]);
    assert_eq!(list(&scene, Some(users[1].number), 10).await, users[2..]);
}
