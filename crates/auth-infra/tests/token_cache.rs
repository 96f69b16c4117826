//! The token cache: a cached token is accepted only as long as its signature would be.
#![cfg(feature = "jwt")]

mod token_fixture;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_domain::model::{AccessClaims, Timestamp};
use auth_domain::ports::{AccessTokenCodec, Clock as _};
use auth_domain::testing::{FixedClock, SeededRandom};
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyRing};
use token_fixture::{ISSUER, Issuer, LIFETIMES, claims, rotate};

/// Created by `openssl genpkey -algorithm ed25519`.
const OPENSSL_ED25519: &str = include_str!("data/keys/openssl-ed25519.pem");

/// An issuer, and a token that it has verified before.
fn issuer_with_cached_token(algorithm: KeyAlgorithm) -> (Issuer, String) {
    let issuer = Issuer::new(algorithm);
    let token = issuer.token();
    assert_eq!(issuer.verify(&token), Some(claims()));
    assert_eq!(issuer.verify(&token), Some(claims()), "verified from the cache");
    (issuer, token)
}

fn key_file(issuer: &Issuer) -> PathBuf {
    issuer.dir.path().join(format!("keys/{}.pem", issuer.kid()))
}

#[test]
fn tampered_copy_of_a_cached_token_is_refused() {
    let (issuer, token) = issuer_with_cached_token(KeyAlgorithm::Ed25519);
    for index in 0..token.len() {
        let mut tampered = token.clone();
        let other = if token.as_bytes()[index] == b'A' { "B" } else { "A" };
        tampered.replace_range(index..=index, other);
        assert_eq!(issuer.verify(&tampered), None, "character {index}");
        assert_eq!(issuer.verify(&token[..index]), None, "truncated at {index}");
    }
    assert_eq!(issuer.verify(&format!("{token} ")), None);
    assert_eq!(issuer.verify(&token), Some(claims()));
}

#[test]
fn cached_token_is_refused_after_its_key_is_deleted() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let (issuer, token) = issuer_with_cached_token(algorithm);
        let file = key_file(&issuer);
        issuer.rotate();
        assert_eq!(issuer.verify(&token), Some(claims()), "the old key verifies what it signed");
        fs::remove_file(file).expect("deleted");
        assert!(issuer.keys.reload_if_changed());
        assert_eq!(issuer.verify(&token), None);
    }
}

#[test]
fn cached_token_is_refused_after_its_key_is_replaced() {
    let (issuer, token) = issuer_with_cached_token(KeyAlgorithm::Ed25519);
    fs::write(key_file(&issuer), OPENSSL_ED25519).expect("written");
    assert!(issuer.keys.reload_if_changed());
    assert_eq!(issuer.verify(&token), None);
}

#[test]
fn cached_token_is_refused_after_its_key_is_retired() {
    let dir = tempfile::tempdir().expect("a directory");
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let now = Timestamp::UNIX_EPOCH.plus(since_epoch).whole_seconds();
    let (clock, random) = (Arc::new(FixedClock::at(now)), Arc::new(SeededRandom::new(1)));
    let keys =
        KeyRing::open(dir.path(), KeyAlgorithm::Ed25519, LIFETIMES, clock.clone(), random).expect("keys");
    let keys = Arc::new(keys);
    let codec = JwtCodec::new(Arc::clone(&keys), JwtSettings::of(ISSUER));
    let token_for = |lifetime: Duration| {
        let claims = AccessClaims { issued_at: now, expires_at: now.plus(lifetime), ..claims() };
        codec.sign(&claims).expect("signed").expose().to_owned()
    };
    let (due, too_long) = (token_for(LIFETIMES.access), token_for(2 * LIFETIMES.access));
    let is_read = |token: &str| codec.verify(token).is_some();
    assert!(is_read(&due) && is_read(&too_long), "the key is the newest");

    let now = {
        rotate(&keys, &clock);
        clock.now()
    };
    assert!(!is_read(&too_long), "a token with a longer lifetime may be forged with a stolen key");
    assert!(is_read(&due));
    clock.set(now.plus(LIFETIMES.renewal));
    assert!(is_read(&due), "the codec does not check expiry");
    clock.set(now.plus(LIFETIMES.renewal + Duration::from_secs(3_600)));
    assert!(!is_read(&due), "the key is retired");
}
