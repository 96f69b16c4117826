//! Which tokens are accepted.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use uuid::Uuid;

use super::issuer::{AUDIENCE, Issuer, NOW, PrivateKey, SECOND, claims, encode};
use crate::{ErrorKind, SessionId, UserId, VerifyError};

/// The claims with one member replaced, or removed with `null`.
fn with(name: &str, value: Value) -> Value {
    let mut changed = claims();
    let members = changed.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    changed
}

/// The reason why a token is invalid.
fn reason(outcome: Result<std::sync::Arc<crate::Claims>, VerifyError>) -> &'static str {
    match outcome {
        Err(VerifyError::InvalidToken(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn token_of_the_issuer_has_typed_claims() {
    for key in [PrivateKey::p256(), PrivateKey::ed25519()] {
        let issuer = Issuer::new(key);
        let verifier = issuer.verifier();
        let token = issuer.sign(&with("tenant", json!({"id": 7})));
        for attempt in ["verified", "cached"] {
            let claims = verifier.verify(&token).expect(attempt);
            assert_eq!(
                (claims.user_id, claims.session_id),
                (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)))
            );
            assert_eq!(
                (claims.client_id.as_str(), &claims.roles[..]),
                ("accounts", &["customer".to_owned()][..])
            );
            let [issued_at, expires_at] =
                [NOW, NOW + 900].map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
            assert_eq!((claims.issued_at, claims.expires_at), (issued_at, expires_at));
            assert_eq!(Value::from(claims.extra.clone()), json!({"tenant": {"id": 7}}));
            assert!(claims.require_role("customer").is_ok());
            let missing = claims.require_role("admin").expect_err("a role");
            assert_eq!((missing.kind(), missing.status()), (ErrorKind::Forbidden, 403));
        }
    }
}

#[test]
fn authorization_header_has_a_bearer_token() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.verifier(), issuer.token());
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert!(verifier.verify_authorization(Some(&format!("{scheme} {token}"))).is_ok());
    }
    for header in [None, Some(""), Some("Bearer"), Some(token.as_str()), Some("Basic dXNlcjpwYXNz")] {
        let error = verifier.verify_authorization(header).expect_err("no token");
        assert_eq!((&error, error.www_authenticate()), (&VerifyError::MissingToken, Some("Bearer")));
    }
    assert_eq!(reason(verifier.verify_authorization(Some("Bearer x"))), "it is malformed");
}

#[test]
fn header_with_other_members_or_type_is_refused() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, payload) = (issuer.verifier(), claims().to_string());
    for header in [
        r#"{"alg":"ES256","kid":"first"}"#,
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"first","crit":["exp"]}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"first","jku":"https://evil.example"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"first","kid":"first"}"#,
        r#"["ES256","at+jwt","first"]"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":7}"#,
    ] {
        assert_eq!(
            reason(verifier.verify(&issuer.key().sign(header, &payload))),
            "its header is invalid",
            "{header}"
        );
    }
    for typ in ["JWT", "rt+jwt", "AT+JWT", "application/at+jwt", ""] {
        let header = json!({"alg": "ES256", "typ": typ, "kid": "first"}).to_string();
        assert_eq!(
            reason(verifier.verify(&issuer.key().sign(&header, &payload))),
            "it is not an access token",
            "{typ}"
        );
    }
}

#[test]
fn algorithm_is_that_of_the_key() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, payload) = (issuer.verifier(), claims().to_string());
    for alg in ["none", "HS256", "EdDSA", "es256", "ES384"] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "first"}).to_string();
        assert_eq!(
            reason(verifier.verify(&issuer.key().sign(&header, &payload))),
            "its signature is invalid",
            "{alg}"
        );
        let unsigned = format!("{}.{}.", encode(header.as_bytes()), encode(payload.as_bytes()));
        assert_eq!(reason(verifier.verify(&unsigned)), "its signature is invalid", "{alg}");
    }
}

#[test]
fn forged_and_malformed_tokens_are_refused() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.verifier(), issuer.token());
    assert!(verifier.verify(&token).is_ok());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, payload) = signed.split_once('.').expect("three parts");
    let admin = encode(with("roles", json!(["admin"])).to_string().as_bytes());
    let forged = PrivateKey::p256().sign(&issuer.header(), &claims().to_string());
    for token in [format!("{header}.{admin}.{signature}"), forged] {
        assert_eq!(reason(verifier.verify(&token)), "its signature is invalid");
    }
    for token in [
        String::new(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
    ] {
        assert!(
            ["it is malformed", "its header is invalid"].contains(&reason(verifier.verify(&token))),
            "{token}"
        );
    }
    assert_eq!(reason(verifier.verify(&format!("{token}{}", "A".repeat(4_096)))), "it is too long");
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.verifier();
    for other in ["https://auth.example.com/", "https://auth.example.co", "", "HTTPS://auth.example.com"] {
        let outcome = verifier.verify(&issuer.sign(&with("iss", other.into())));
        assert_eq!(outcome.err(), Some(VerifyError::WrongIssuer), "{other}");
    }
    for other in ["https://auth.example.com", "https://api.example.com/refresh", ""] {
        let outcome = verifier.verify(&issuer.sign(&with("aud", other.into())));
        assert_eq!(outcome.err(), Some(VerifyError::WrongAudience), "{other}");
    }
    let list = verifier.verify(&issuer.sign(&with("aud", json!([AUDIENCE]))));
    assert_eq!(reason(list), "its claims are invalid");
}

#[test]
fn every_registered_claim_is_required_once() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.verifier();
    for name in ["iss", "aud", "sub", "sid", "jti", "client_id", "roles", "iat", "exp"] {
        for value in [Value::Null, json!(1.5), json!({}), json!([1])] {
            let outcome = verifier.verify(&issuer.sign(&with(name, value.clone())));
            assert_eq!(reason(outcome), "its claims are invalid", "{name} {value}");
        }
        let repeated = claims().to_string().replacen('{', &format!(r#"{{"{name}":{},"#, claims()[name]), 1);
        let outcome = verifier.verify(&issuer.key().sign(&issuer.header(), &repeated));
        assert_eq!(reason(outcome), "its claims are invalid", "{name} twice");
    }
    for (name, value) in [
        ("sub", json!("00000000-0000-0000-0000-00000000000A")),
        ("sid", json!("00000000000000000000000000000002")),
        ("exp", json!(253_402_300_800_u64)),
        ("iat", json!(-1)),
    ] {
        let outcome = verifier.verify(&issuer.sign(&with(name, value)));
        assert_eq!(reason(outcome), "its claims are invalid", "{name}");
    }
    let repeated = claims().to_string().replacen('{', r#"{"a":1,"a":2,"#, 1);
    assert_eq!(
        reason(verifier.verify(&issuer.key().sign(&issuer.header(), &repeated))),
        "its claims are invalid"
    );
}

#[test]
fn token_is_valid_from_issue_to_expiry_with_leeway() {
    for (iat, exp, expected) in [
        (NOW, NOW + 1, Ok(())),
        (NOW + 5, NOW + 900, Ok(())),
        (NOW - 900, NOW - 4, Ok(())),
        (NOW - 900, NOW - 5, Err(VerifyError::Expired)),
        (NOW + 6, NOW + 900, Err(VerifyError::InvalidToken("it is from the future"))),
        (NOW, NOW, Err(VerifyError::InvalidToken("it is from the future"))),
    ] {
        let issuer = Issuer::new(PrivateKey::p256());
        let mut claims = with("iat", iat.into());
        claims["exp"] = exp.into();
        let outcome = issuer.verifier().verify(&issuer.sign(&claims));
        assert_eq!(outcome.map(|_| ()), expected, "{iat} {exp}");
    }
}

#[test]
fn cached_token_expires() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.builder().without_ended_sessions().build().expect("a verifier");
    let token = issuer.token();
    assert!(verifier.verify(&token).is_ok());
    issuer.advance(904 * SECOND);
    assert!(verifier.verify(&token).is_ok());
    issuer.advance(SECOND);
    let error = verifier.verify(&token).expect_err("expired");
    assert_eq!((&error, error.status()), (&VerifyError::Expired, 401));
    assert_eq!(error.www_authenticate(), Some(r#"Bearer error="invalid_token""#));
}

#[test]
fn errors_contain_no_part_of_the_token() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.verifier();
    let token = issuer.sign(&with("aud", "s3cret".into()));
    let error = verifier.verify(&token).expect_err("another audience");
    assert!(!format!("{error} {error:?} {verifier:?}").contains("s3cret"));
}

#[test]
fn token_is_refused_before_nbf() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.verifier();
    for (nbf, expected) in [
        (json!(NOW - 900), None),
        (json!(NOW + 5), None),
        (json!(NOW + 6), Some("it is from the future")),
        (json!(NOW + 900), Some("it is from the future")),
        (json!("1"), Some("its claims are invalid")),
        (json!(1.5), Some("its claims are invalid")),
    ] {
        let outcome = verifier.verify(&issuer.sign(&with("nbf", nbf.clone())));
        match expected {
            None => assert!(outcome.expect("valid").extra.is_empty(), "{nbf}"),
            Some(expected) => assert_eq!(reason(outcome), expected, "{nbf}"),
        }
    }
}

#[test]
fn token_that_is_bound_to_a_key_is_refused() {
    let issuer = Issuer::new(PrivateKey::p256());
    for cnf in [json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), json!({}), json!(7)] {
        let outcome = issuer.verifier().verify(&issuer.sign(&with("cnf", cnf)));
        assert_eq!(reason(outcome), "it is bound to a key (cnf), and the proof of the key is not checked");
    }
}
