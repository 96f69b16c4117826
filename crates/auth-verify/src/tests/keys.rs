//! When the keys are fetched, and how long they are used.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::issuer::{Issuer, KEYS, PrivateKey, SECOND, claims};
use crate::{ErrorKind, FetchError, VerifyError};

const UNKNOWN: VerifyError = VerifyError::InvalidToken("its key is unknown");

/// A token of another key of the issuer.
fn token_of(key: &PrivateKey, kid: &str) -> String {
    let header = json!({"alg": key.algorithm(), "typ": "at+jwt", "kid": kid});
    // Long-lived, because the clocks of these tests advance.
    let mut claims = claims();
    claims["exp"] = (claims["iat"].as_u64().expect("a time") + 86_400).into();
    key.sign(&header.to_string(), &claims.to_string())
}

fn verifier(issuer: &Issuer) -> crate::Verifier {
    issuer.builder().without_ended_sessions().build().expect("a verifier")
}

#[test]
fn keys_are_fetched_again_after_their_max_age() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
    for (pause, expected) in [(0, 1), (299, 1), (1, 2), (299, 2), (1, 3)] {
        issuer.advance(pause * SECOND);
        assert!(verifier.verify(&token).is_ok());
        assert_eq!(issuer.requests(KEYS).len(), expected);
    }
}

#[test]
fn max_age_of_the_answer_counts() {
    for (caching, fresh) in [
        ("max-age=10", 10),
        ("public, MAX-AGE=\"10\"", 10),
        ("public", 300),
        ("max-age=x", 300),
        ("no-store, max-age=10", 1),
        ("max-age=0", 1),
        ("max-age=99999999", 3_600),
    ] {
        let issuer = Issuer::new(PrivateKey::p256());
        let body = json!({"keys": [issuer.key().jwk("first")]}).to_string();
        issuer.answer(KEYS, Some((200, caching, body)));
        let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
        assert!(verifier.verify(&token).is_ok());
        issuer.advance(Duration::from_millis(fresh * 1_000 - 1));
        assert!(verifier.verify(&token).is_ok());
        assert_eq!(issuer.requests(KEYS).len(), 1, "{caching}");
        issuer.advance(Duration::from_millis(1));
        assert!(verifier.verify(&token).is_ok());
        assert_eq!(issuer.requests(KEYS).len(), 2, "{caching}");
    }
}

#[test]
fn unknown_key_is_fetched_at_most_once_a_second() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, new) = (verifier(&issuer), PrivateKey::ed25519());
    let token = token_of(&new, "second");
    assert_eq!(verifier.verify(&token).err(), Some(UNKNOWN));
    issuer.publish(&[issuer.key().jwk("first"), new.jwk("second")]);
    issuer.advance(Duration::from_millis(999));
    for _ in 0..100 {
        assert_eq!(verifier.verify(&token).err(), Some(UNKNOWN));
    }
    assert_eq!(issuer.requests(KEYS).len(), 1);
    issuer.advance(Duration::from_millis(1));
    assert!(verifier.verify(&token).is_ok());
    assert_eq!(issuer.requests(KEYS).len(), 2);
}

#[test]
fn concurrent_requests_with_a_new_key_share_one_fetch() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, new) = (verifier(&issuer), PrivateKey::p256());
    assert!(verifier.verify(&token_of(issuer.key(), "first")).is_ok());
    issuer.publish(&[new.jwk("second")]);
    issuer.advance(SECOND);
    issuer.slow_down(Duration::from_millis(100));
    let (token, barrier) = (token_of(&new, "second"), Barrier::new(32));
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                barrier.wait();
                assert!(verifier.verify(&token).is_ok());
            });
        }
    });
    assert_eq!(issuer.requests(KEYS).len(), 2);
}

#[test]
fn known_keys_are_used_while_another_caller_fetches() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
    assert!(verifier.verify(&token).is_ok());
    issuer.advance(300 * SECOND);
    issuer.slow_down(5 * SECOND);
    thread::scope(|scope| {
        let fetching = scope.spawn(|| verifier.verify(&token));
        while issuer.requests(KEYS).len() < 2 {
            thread::yield_now();
        }
        assert!(verifier.verify(&token).is_ok());
        assert!(!fetching.is_finished());
    });
}

#[test]
fn withdrawn_key_is_refused_even_for_a_cached_token() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, new) = (verifier(&issuer), PrivateKey::p256());
    let stolen = token_of(issuer.key(), "first");
    assert!(verifier.verify(&stolen).is_ok());
    issuer.publish(&[new.jwk("second")]);
    issuer.advance(SECOND);
    assert!(verifier.verify(&stolen).is_ok(), "the verifier has not noticed");
    assert!(verifier.verify(&token_of(&new, "second")).is_ok());
    assert_eq!(verifier.verify(&stolen).err(), Some(UNKNOWN));
}

#[test]
fn withdrawn_key_is_refused_after_max_age() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = verifier(&issuer);
    let stolen = token_of(issuer.key(), "first");
    assert!(verifier.verify(&stolen).is_ok());
    issuer.publish(&[PrivateKey::p256().jwk("first")]);
    issuer.advance(300 * SECOND);
    assert_eq!(verifier.verify(&stolen).err(), Some(VerifyError::InvalidToken("its signature is invalid")));
}

#[test]
fn keys_are_used_for_an_hour_while_the_issuer_is_away() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
    assert!(verifier.verify(&token).is_ok());
    for answer in [None, Some((500, "", String::new())), Some((200, "", "{}".to_owned()))] {
        issuer.answer(KEYS, answer);
        issuer.advance(1_200 * SECOND);
        assert!(verifier.verify(&token).is_ok());
    }
    issuer.advance(Duration::from_micros(1));
    let error = verifier.verify(&token).expect_err("too old");
    assert_eq!(
        (&error, error.kind(), error.status()),
        (&VerifyError::KeysUnavailable, ErrorKind::Unavailable, 503)
    );
    assert_eq!((error.retry_after(), error.www_authenticate()), (Some(SECOND), None));
    issuer.publish(&[issuer.key().jwk("first")]);
    issuer.advance(SECOND);
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn issuer_that_is_away_is_asked_once_a_second() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
    issuer.answer(KEYS, None);
    for expected in 1..4 {
        for _ in 0..10 {
            assert_eq!(verifier.verify(&token).err(), Some(VerifyError::KeysUnavailable));
        }
        assert_eq!(issuer.requests(KEYS).len(), expected);
        issuer.advance(SECOND);
    }
}

#[test]
fn only_usable_keys_of_a_set_count() {
    let issuer = Issuer::new(PrivateKey::p256());
    let first = issuer.key().jwk("first");
    let rsa = json!({"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"});
    let mut encryption = first.clone();
    encryption["use"] = "enc".into();
    encryption["kid"] = "encryption".into();
    issuer.publish(&[rsa.clone(), json!(7), encryption.clone(), first.clone()]);
    let verifier = verifier(&issuer);
    assert!(verifier.verify(&token_of(issuer.key(), "first")).is_ok());
    assert_eq!(verifier.verify(&token_of(issuer.key(), "encryption")).err(), Some(UNKNOWN));

    let mut off_curve = first.clone();
    off_curve["y"] = off_curve["x"].clone();
    let mut other_algorithm = first.clone();
    other_algorithm["alg"] = "ES384".into();
    let many: Vec<_> = (0..65).map(|number| issuer.key().jwk(&number.to_string())).collect();
    for keys in [&[][..], &[rsa], &[off_curve], &[other_algorithm], &[first.clone(), first], &many] {
        issuer.publish(keys);
        let error = verifier.sync().expect_err("no key set");
        assert!(matches!(error, FetchError::Invalid { .. }), "{error}");
    }
}

#[test]
fn token_never_names_the_location_of_keys() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = verifier(&issuer);
    let header = r#"{"alg":"ES256","typ":"at+jwt","kid":"https://evil.example/keys"}"#;
    assert_eq!(verifier.verify(&issuer.key().sign(header, &claims().to_string())).err(), Some(UNKNOWN));
    assert_eq!(issuer.requests(KEYS).len(), 1);
    assert_eq!(issuer.requests("").len(), 1, "and nothing else");
}

#[test]
fn unchanged_key_keeps_its_cached_tokens() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
    let claims = verifier.verify(&token).expect("valid");
    issuer.publish(&[PrivateKey::p256().jwk("new"), issuer.key().jwk("first")]);
    issuer.advance(SECOND);
    assert_eq!(verifier.verify(&token_of(&PrivateKey::p256(), "other")).err(), Some(UNKNOWN));
    assert_eq!(issuer.requests(KEYS).len(), 2);
    assert!(Arc::ptr_eq(&claims, &verifier.verify(&token).expect("valid")), "it was verified again");
}

#[test]
fn another_key_of_the_same_name_is_another_key() {
    for other in [PrivateKey::p256(), PrivateKey::ed25519()] {
        let issuer = Issuer::new(PrivateKey::p256());
        let (verifier, token) = (verifier(&issuer), token_of(issuer.key(), "first"));
        assert!(verifier.verify(&token).is_ok());
        issuer.publish(&[other.jwk("first")]);
        verifier.sync().expect("synced");
        let error = verifier.verify(&token).expect_err("a withdrawn key");
        assert_eq!(error, VerifyError::InvalidToken("its signature is invalid"));
    }
}

#[test]
fn keys_may_be_used_for_ever() {
    let issuer = Issuer::new(PrivateKey::p256());
    let body = json!({"keys": [issuer.key().jwk("first")]}).to_string();
    issuer.answer(KEYS, Some((200, "max-age=18446744073709551615", body)));
    issuer.advance(SECOND);
    let builder = issuer.builder().without_ended_sessions().max_keys_age(Duration::MAX);
    let (verifier, token) = (builder.build().expect("a verifier"), token_of(issuer.key(), "first"));
    assert!(verifier.verify(&token).is_ok());
    issuer.answer(KEYS, None);
    issuer.advance(86_000 * SECOND);
    assert!(verifier.verify(&token).is_ok());
    let _following = verifier.follow_in_background().expect("a thread");
    thread::sleep(Duration::from_millis(100));
    assert_eq!((verifier.follow_error(), issuer.requests(KEYS).len()), (None, 1));
}

#[test]
fn unknown_key_is_retryable_while_the_issuer_is_away() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = verifier(&issuer);
    assert!(verifier.verify(&token_of(issuer.key(), "first")).is_ok());
    issuer.answer(KEYS, None);
    issuer.advance(SECOND);
    for _ in 0..2 {
        let error = verifier.verify(&token_of(&PrivateKey::p256(), "second")).expect_err("unknown");
        assert_eq!(error, VerifyError::KeysUnavailable);
    }
    assert_eq!(issuer.requests(KEYS).len(), 2);
}
