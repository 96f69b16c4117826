//! API keys.

use std::time::Duration;

use uuid::Uuid;

use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, last_micro, later, now, only_success, similar_keys};
use super::{CaseFuture, StoreUnderTest};
use crate::model::{ApiKey, ApiKeyId, ApiKeyName, NewApiKey, Scope, Scopes, SecretDigest, Timestamp};

async fn insert(fixture: &Fixture<'_>, new: &NewApiKey) {
    fixture.api_keys().insert(new).await.expect("no error");
}

async fn find(fixture: &Fixture<'_>, digest: &SecretDigest) -> Option<ApiKey> {
    fixture.api_keys().find(digest).await.expect("no error")
}

fn name(typed: &str) -> ApiKeyName {
    ApiKeyName::parse(typed).expect("a name")
}

pub(super) async fn key_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let plain = fixture.new_api_key("backend").key;
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
        ApiKey { created_at: Timestamp::MAX, ..plain.clone() },
        ApiKey { created_at: last_micro(), expires_at: Some(last_micro()), ..plain },
    ];
    for key in variants {
        let new = NewApiKey { key: ApiKey { id: ApiKeyId(fixture.uuid()), ..key }, digest: fixture.digest() };
        insert(&fixture, &new).await;
        assert_eq!(find(&fixture, &new.digest).await.as_ref(), Some(&new.key));
        let listed = fixture.api_keys().list().await.expect("no error");
        assert!(listed.contains(&new.key), "{:?} must be listed", new.key);
    }
    for id in [Uuid::nil(), Uuid::max()].map(ApiKeyId) {
        let mut new = fixture.new_api_key("backend");
        new.key.id = id;
        insert(&fixture, &new).await;
        assert_eq!(find(&fixture, &new.digest).await, Some(new.key));
    }
}

pub(super) async fn key_is_found_only_by_the_digest_of_its_secret(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
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
        let new = NewApiKey { digest: SecretDigest::from_bytes(digest), ..fixture.new_api_key("same name") };
        insert(&fixture, &new).await;
        keys.push(new);
    }
    for new in &keys {
        assert_eq!(find(&fixture, &new.digest).await.as_ref(), Some(&new.key));
        for similar in similar_keys(*new.digest.as_bytes()) {
            assert_eq!(find(&fixture, &SecretDigest::from_bytes(similar)).await, None);
        }
    }
    assert_eq!(find(&fixture, &fixture.digest()).await, None);
}

pub(super) async fn expired_and_revoked_keys_are_found(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut expired = fixture.new_api_key("expired");
    expired.key.expires_at = Some(expired.key.created_at);
    insert(&fixture, &expired).await;
    let revoked = fixture.new_api_key("revoked");
    insert(&fixture, &revoked).await;
    assert!(fixture.api_keys().revoke(revoked.key.id, later(1)).await.expect("no error"));
    assert_eq!(find(&fixture, &expired.digest).await.as_ref(), Some(&expired.key));
    let revoked_key = ApiKey { revoked_at: Some(later(1)), ..revoked.key.clone() };
    let again = NewApiKey { digest: revoked.digest, ..fixture.new_api_key("again") };
    assert!(fixture.api_keys().insert(&again).await.is_err(), "the digest of a revoked key is taken");
    assert_eq!(find(&fixture, &revoked.digest).await.as_ref(), Some(&revoked_key));
    assert_eq!(fixture.api_keys().list().await.expect("no error").len(), 2, "both are listed");

    fixture.api_keys().mark_used(expired.key.id, last_micro()).await.expect("no error");
    assert!(fixture.api_keys().revoke(expired.key.id, last_micro()).await.expect("no error"));
    let (revoked_at, last_used_at) = (Some(last_micro()), Some(last_micro()));
    let both = ApiKey { revoked_at, last_used_at, ..expired.key };
    assert_eq!(find(&fixture, &expired.digest).await, Some(both), "used and revoked after it expired");
}

pub(super) async fn keys_are_listed_oldest_first(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    assert_eq!(fixture.api_keys().list().await.expect("no error"), vec![], "a fresh store is empty");
    let mut keys = Vec::new();
    // The order is neither that of the calls nor that of the ids.
    for age in (0..150).map(|index| index * 7 % 150) {
        let mut new = fixture.new_api_key(&format!("{age} microseconds later"));
        new.key.id = ApiKeyId(Uuid::from_u128(u128::MAX - u128::from(age)));
        new.key.created_at = now().plus(Duration::from_micros(age));
        insert(&fixture, &new).await;
        keys.push(new.key);
    }
    keys.sort_by_key(|key| key.created_at);
    assert_eq!(fixture.api_keys().list().await.expect("no error"), keys);
}

pub(super) async fn key_is_revoked_once_and_keeps_the_first_time(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.new_api_key("other");
    insert(&fixture, &other).await;
    let new = fixture.new_api_key("backend");
    insert(&fixture, &new).await;
    assert!(fixture.api_keys().revoke(new.key.id, later(2)).await.expect("no error"));
    for time in [later(1), later(3)] {
        assert!(!fixture.api_keys().revoke(new.key.id, time).await.expect("no error"));
    }
    let revoked = ApiKey { revoked_at: Some(later(2)), ..new.key };
    assert_eq!(find(&fixture, &new.digest).await, Some(revoked));
    assert_eq!(find(&fixture, &other.digest).await, Some(other.key), "no other key is revoked");
    assert!(!fixture.api_keys().revoke(ApiKeyId(fixture.uuid()), later(1)).await.expect("no error"));
}

pub(super) async fn one_of_10_revocations_of_one_key_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for _ in rounds() {
        let new = fixture.new_api_key("backend");
        insert(&fixture, &new).await;
        let times: Vec<_> = (0..10).map(later).collect();
        let outcomes = concurrently(times.iter().map(|time| fixture.api_keys().revoke(new.key.id, *time)));
        let revoked: Vec<_> = outcomes.into_iter().map(|revoked| revoked.expect("no error")).collect();
        let stored = find(&fixture, &new.digest).await.and_then(|key| key.revoked_at);
        assert_eq!(
            stored,
            Some(only_success(times, &revoked)),
            "the time of the successful revocation is stored"
        );
    }
}

pub(super) async fn latest_time_of_use_is_kept(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let other = fixture.new_api_key("other");
    insert(&fixture, &other).await;
    let new = fixture.new_api_key("backend");
    insert(&fixture, &new).await;
    for (used, latest) in [(5, 5), (3, 5), (7, 7), (7, 7), (6, 7)] {
        fixture.api_keys().mark_used(new.key.id, later(used)).await.expect("no error");
        let stored = find(&fixture, &new.digest).await;
        assert_eq!(stored, Some(ApiKey { last_used_at: Some(later(latest)), ..new.key.clone() }));
    }
    assert_eq!(find(&fixture, &other.digest).await, Some(other.key), "no other key was used");
}

pub(super) async fn latest_of_concurrent_times_of_use_is_kept(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let times = [4, 9, 1, 7, 3, 8, 2, 6, 5].map(later);
    for _ in rounds() {
        let new = fixture.new_api_key("backend");
        insert(&fixture, &new).await;
        for noted in concurrently(times.map(|time| fixture.api_keys().mark_used(new.key.id, time))) {
            noted.expect("no error");
        }
        assert_eq!(find(&fixture, &new.digest).await.and_then(|key| key.last_used_at), Some(later(9)));
    }
}

pub(super) async fn use_and_revocation_are_independent(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let new = fixture.new_api_key("backend");
    insert(&fixture, &new).await;
    fixture.api_keys().mark_used(new.key.id, later(1)).await.expect("no error");
    assert!(fixture.api_keys().revoke(new.key.id, later(2)).await.expect("no error"));
    fixture.api_keys().mark_used(new.key.id, later(3)).await.expect("no error");
    fixture.api_keys().mark_used(ApiKeyId(fixture.uuid()), later(4)).await.expect("no error");
    let found = find(&fixture, &new.digest).await.expect("the key exists");
    assert_eq!((found.revoked_at, found.last_used_at), (Some(later(2)), Some(later(3))));
}

pub(super) async fn key_revoked_while_it_is_used_stays_revoked(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for _ in rounds() {
        let new = fixture.new_api_key("backend");
        insert(&fixture, &new).await;
        assert_eq!(find(&fixture, &new.digest).await.as_ref(), Some(&new.key), "not revoked yet");
        let (keys, id) = (fixture.api_keys(), new.key.id);
        let mut calls: Vec<CaseFuture<'_>> = vec![Box::pin(async {
            assert!(keys.revoke(id, later(5)).await.expect("no error"), "the first revocation");
        })];
        for second in 1..=3 {
            calls.push(Box::pin(async move { keys.mark_used(id, later(second)).await.expect("no error") }));
        }
        concurrently(calls);
        let expected = ApiKey { revoked_at: Some(later(5)), last_used_at: Some(later(3)), ..new.key };
        assert_eq!(find(&fixture, &new.digest).await, Some(expected), "revoked and used");
    }
}

pub(super) async fn each_of_12_keys_is_listed_found_and_changed_on_its_own(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let mut keys = Vec::new();
    for number in 0..12 {
        let mut new = fixture.new_api_key(&format!("key {number}"));
        // Neither the ids nor the calls are in the order of the times.
        new.key.id = ApiKeyId(Uuid::from_u128(u128::MAX - u128::from((number * 5) % 12_u64)));
        new.key.created_at = later((number * 7) % 12);
        insert(&fixture, &new).await;
        keys.push(new);
    }
    keys.sort_by_key(|new| new.key.created_at);
    for index in [3, 11, 0] {
        let key = &mut keys[index].key;
        (key.revoked_at, key.last_used_at) = (Some(later(20)), Some(later(30)));
        assert!(fixture.api_keys().revoke(key.id, later(20)).await.expect("no error"));
        fixture.api_keys().mark_used(key.id, later(30)).await.expect("no error");
    }
    for new in &keys {
        assert_eq!(find(&fixture, &new.digest).await.as_ref(), Some(&new.key));
    }
    let expected: Vec<_> = keys.into_iter().map(|new| new.key).collect();
    assert_eq!(fixture.api_keys().list().await.expect("no error"), expected);
}
