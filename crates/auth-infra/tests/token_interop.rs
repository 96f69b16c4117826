//! Interoperability with OpenSSL, AWS-LC and a JWT library.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod token_fixture;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use auth_domain::ports::AccessTokenCodec;
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use token_fixture::{ISSUER, Issuer, PAYLOAD, claims, object, open};

/// A codec with this key only.
fn codec(kid: &str, pem: &str) -> JwtCodec {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join(format!("{kid}.pem")), pem).expect("written");
    fs::set_permissions(dir.path().join(format!("{kid}.pem")), fs::Permissions::from_mode(0o600))
        .expect("set");
    let keys = open(dir.path(), KeyAlgorithm::Ed25519).expect("keys");
    JwtCodec::new(Arc::new(keys), JwtSettings::of(ISSUER))
}

#[test]
fn tokens_signed_by_openssl_are_verified() {
    for (kid, pem, token) in [
        (
            "openssl-ed25519",
            include_str!("data/keys/openssl-ed25519.pem"),
            include_str!("data/tokens/openssl-ed25519.jwt"),
        ),
        (
            "openssl-p256",
            include_str!("data/keys/openssl-p256.pem"),
            include_str!("data/tokens/openssl-p256.jwt"),
        ),
    ] {
        assert_eq!(codec(kid, pem).verify(token.trim_end()), Some(claims()), "{kid}");
    }
}

#[test]
fn ed25519_token_equals_the_token_of_openssl() {
    let codec = codec("openssl-ed25519", include_str!("data/keys/openssl-ed25519.pem"));
    let token = codec.sign(&claims()).expect("signed");
    assert_eq!(token.expose(), include_str!("data/tokens/openssl-ed25519.jwt").trim_end());
}

#[test]
fn signatures_match_the_published_key_without_a_jwt_library() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let issuer = Issuer::new(algorithm);
        let token = issuer.token();
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let jwk = issuer.keys.jwks()["keys"][0].clone();
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let member = |name: &str| bytes(jwk[name].as_str().expect("a member"));
        let verified = match algorithm {
            KeyAlgorithm::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, member("x")).verify(message.as_bytes(), &bytes(signature))
            }
            KeyAlgorithm::P256 => {
                let point = [vec![4], member("x"), member("y")].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(message.as_bytes(), &bytes(signature))
            }
        };
        assert!(verified.is_ok(), "{algorithm}");
    }
}

#[test]
fn other_library_verifies_a_token_with_the_jwk_set() {
    for (algorithm, named) in
        [(KeyAlgorithm::Ed25519, Algorithm::EdDSA), (KeyAlgorithm::P256, Algorithm::ES256)]
    {
        let issuer = Issuer::new(algorithm);
        // A second key, so that the library has to select the right one.
        issuer.rotate();
        let token = issuer.token();

        let set: JwkSet = serde_json::from_value(issuer.keys.jwks()).expect("a JWK set");
        let header = decode_header(&token).expect("a header");
        assert_eq!((header.alg, header.typ.as_deref()), (named, Some("at+jwt")));
        let jwk: &Jwk = set.find(header.kid.as_deref().expect("a kid")).expect("its key");
        let mut validation = Validation::new(named);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        // The claims of the test expired long ago.
        validation.validate_exp = false;
        let verified = decode::<Value>(&token, &DecodingKey::from_jwk(jwk).expect("a key"), &validation);
        assert_eq!(
            verified.expect("verified").claims,
            json!({
                "iss": ISSUER,
                "aud": ISSUER,
                "sub": claims().user_id.to_string(),
                "jti": claims().token_id.to_string(),
                "sid": claims().session_id.to_string(),
                "client_id": "example",
                "roles": ["admin", "customer"],
                "iat": 1_755_080_130,
                "exp": 1_755_081_030,
            })
        );
    }
}

#[test]
fn tokens_signed_without_the_codec_are_verified() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
        let issuer = Issuer::new(algorithm);
        let token = issuer.sign(issuer.header(), object(&PAYLOAD));
        assert_eq!(issuer.verify(&token), Some(claims()));
    }
}
