//! API keys.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use super::StoreFixture;
use super::scene::{Scene, later, now};
use crate::model::{ApiKey, ApiKeyId, ApiKeyName, NewApiKey, Scope, Scopes, SecretDigest, Timestamp};

async fn insert(scene: &Scene<'_>, new: &NewApiKey) {
    scene.api_keys().insert(new).await.expect("no fault");
}

async fn find(scene: &Scene<'_>, digest: &SecretDigest) -> Option<ApiKey> {
    scene.api_keys().find(digest).await.expect("no fault")
}

fn name(typed: &str) -> ApiKeyName {
    ApiKeyName::parse(typed).expect("a name")
}

pub(super) async fn every_member_of_a_key_is_given_back_as_stored(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let plain = scene.new_api_key("backend").key;
    let variants = [
        plain.clone(),
        ApiKey { name: name(&"\u{1f600}".repeat(255)), ..plain.clone() },
        ApiKey { name: name("'; DROP TABLE api_keys; --"), ..plain.clone() },
        ApiKey { name: name("007"), ..plain.clone() },
        ApiKey { scopes: Scopes::default(), ..plain.clone() },
        ApiKey { scopes: [Scope::UsersRead].into_iter().collect(), ..plain.clone() },
        ApiKey { scopes: [Scope::Auth, Scope::UsersWrite].into_iter().collect(), ..plain.clone() },
        ApiKey { expires_at: Some(now().plus(Duration::from_micros(1))), ..plain.clone() },
        ApiKey { expires_at: Some(Timestamp::MAX), ..plain.clone() },
        ApiKey { created_at: Timestamp::UNIX_EPOCH, ..plain.clone() },
        ApiKey { created_at: Timestamp::MAX, ..plain },
    ];
    for key in variants {
        let new = NewApiKey { key: ApiKey { id: ApiKeyId(scene.uuid()), ..key }, digest: scene.digest() };
        insert(&scene, &new).await;
        assert_eq!(find(&scene, &new.digest).await.as_ref(), Some(&new.key));
        let listed = scene.api_keys().list().await.expect("no fault");
        assert!(listed.contains(&new.key), "{:?} is listed", new.key);
    }
    for id in [Uuid::nil(), Uuid::max()].map(ApiKeyId) {
        let mut new = scene.new_api_key("backend");
        new.key.id = id;
        insert(&scene, &new).await;
        assert_eq!(find(&scene, &new.digest).await, Some(new.key));
    }
}

pub(super) async fn a_key_is_found_by_the_digest_of_its_secret_and_by_nothing_else(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let mut digests = vec![[0; 32], [0xff; 32], [b'0'; 32]];
    for zeros in [1, 31] {
        let mut digest = [7; 32];
        digest[..zeros].fill(0);
        digests.push(digest);
        digest.reverse();
        digests.push(digest);
    }
    let mut keys = Vec::new();
    for digest in digests {
        let new = NewApiKey { digest: SecretDigest::from_bytes(digest), ..scene.new_api_key("same name") };
        insert(&scene, &new).await;
        keys.push(new);
    }
    for new in &keys {
        assert_eq!(find(&scene, &new.digest).await.as_ref(), Some(&new.key));
        for index in [0, 15, 31] {
            let mut resembling = *new.digest.as_bytes();
            resembling[index] ^= 0x10;
            assert_eq!(find(&scene, &SecretDigest::from_bytes(resembling)).await, None);
        }
    }
    assert_eq!(find(&scene, &scene.digest()).await, None);
}

pub(super) async fn a_key_is_found_when_it_serves_no_longer(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let mut expired = scene.new_api_key("expired");
    expired.key.expires_at = Some(expired.key.created_at);
    insert(&scene, &expired).await;
    let revoked = scene.new_api_key("revoked");
    insert(&scene, &revoked).await;
    assert!(scene.api_keys().revoke(revoked.key.id, later(1)).await.expect("no fault"));
    assert_eq!(find(&scene, &expired.digest).await.as_ref(), Some(&expired.key));
    let revoked_key = ApiKey { revoked_at: Some(later(1)), ..revoked.key };
    assert_eq!(find(&scene, &revoked.digest).await.as_ref(), Some(&revoked_key));
    assert_eq!(scene.api_keys().list().await.expect("no fault").len(), 2, "and listed");
}

pub(super) async fn keys_are_listed_oldest_first(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    assert_eq!(scene.api_keys().list().await.expect("no fault"), vec![], "a store is empty at first");
    let mut keys = Vec::new();
    for age in [3, 1, 4, 2, 5] {
        let mut new = scene.new_api_key(&format!("{age} seconds later"));
        new.key.created_at = later(age);
        insert(&scene, &new).await;
        keys.push(new.key);
    }
    keys.sort_by_key(|key| key.created_at);
    assert_eq!(scene.api_keys().list().await.expect("no fault"), keys);
}

pub(super) async fn a_key_is_revoked_once_and_the_first_time_stays(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.new_api_key("other");
    insert(&scene, &other).await;
    let new = scene.new_api_key("backend");
    insert(&scene, &new).await;
    assert!(scene.api_keys().revoke(new.key.id, later(2)).await.expect("no fault"));
    for time in [later(1), later(3)] {
        assert!(!scene.api_keys().revoke(new.key.id, time).await.expect("no fault"));
    }
    let revoked = ApiKey { revoked_at: Some(later(2)), ..new.key };
    assert_eq!(find(&scene, &new.digest).await, Some(revoked));
    assert_eq!(find(&scene, &other.digest).await, Some(other.key), "no other key is revoked");
    assert!(!scene.api_keys().revoke(ApiKeyId(scene.uuid()), later(1)).await.expect("no fault"));
}

pub(super) async fn of_10_revocations_of_one_key_exactly_one_succeeds(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let new = scene.new_api_key("backend");
    insert(&scene, &new).await;
    let times: Vec<_> = (0..10).map(later).collect();
    let revoked = join_all(times.iter().map(|time| scene.api_keys().revoke(new.key.id, *time))).await;
    let winners: Vec<_> =
        times.into_iter().zip(revoked).filter(|(_, revoked)| *revoked.as_ref().expect("no fault")).collect();
    assert_eq!(winners.len(), 1, "exactly one");
    let stored = find(&scene, &new.digest).await.and_then(|key| key.revoked_at);
    assert_eq!(stored, Some(winners[0].0), "the time is that of the one that succeeded");
}

pub(super) async fn the_latest_of_the_times_a_key_was_used_is_kept(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let other = scene.new_api_key("other");
    insert(&scene, &other).await;
    let new = scene.new_api_key("backend");
    insert(&scene, &new).await;
    for (used, latest) in [(5, 5), (3, 5), (7, 7), (7, 7), (6, 7)] {
        scene.api_keys().mark_used(new.key.id, later(used)).await.expect("no fault");
        let stored = find(&scene, &new.digest).await;
        assert_eq!(stored, Some(ApiKey { last_used_at: Some(later(latest)), ..new.key.clone() }));
    }
    assert_eq!(find(&scene, &other.digest).await, Some(other.key), "no other key was used");
}

pub(super) async fn the_latest_of_times_noted_at_once_is_kept(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let new = scene.new_api_key("backend");
    insert(&scene, &new).await;
    let times: Vec<_> = [4, 9, 1, 7, 3, 8, 2, 6, 5].into_iter().map(later).collect();
    for noted in join_all(times.iter().map(|time| scene.api_keys().mark_used(new.key.id, *time))).await {
        noted.expect("no fault");
    }
    assert_eq!(find(&scene, &new.digest).await.and_then(|key| key.last_used_at), Some(later(9)));
}

pub(super) async fn use_and_revocation_leave_each_other_alone(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let new = scene.new_api_key("backend");
    insert(&scene, &new).await;
    scene.api_keys().mark_used(new.key.id, later(1)).await.expect("no fault");
    assert!(scene.api_keys().revoke(new.key.id, later(2)).await.expect("no fault"));
    scene.api_keys().mark_used(new.key.id, later(3)).await.expect("no fault");
    scene.api_keys().mark_used(ApiKeyId(scene.uuid()), later(4)).await.expect("no fault");
    let found = find(&scene, &new.digest).await.expect("the key is there");
    assert_eq!((found.revoked_at, found.last_used_at), (Some(later(2)), Some(later(3))));
}
