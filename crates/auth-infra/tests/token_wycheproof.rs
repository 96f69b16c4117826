//! The Wycheproof tokens, verified by a codec that holds the key of some of them.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod token_fixture;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use auth_domain::ports::AccessTokenCodec;
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm};
use serde_json::Value;
use token_fixture::{ISSUER, claims, open, refresh_claims};

/// The tokens in a file of test vectors.
fn tokens(vectors: &str, member: &str) -> Vec<String> {
    let vectors: Value = serde_json::from_str(vectors).expect("JSON");
    let groups = vectors["testGroups"].as_array().expect("groups");
    let tests = groups.iter().flat_map(|group| group["tests"].as_array().expect("tests"));
    tests.map(|test| test[member].as_str().expect("a token").to_owned()).collect()
}

#[test]
fn no_wycheproof_token_is_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = include_str!("data/wycheproof/kid-ec-sign.pem");
    fs::write(dir.path().join("kid-ec-sign.pem"), key).expect("written");
    fs::set_permissions(dir.path().join("kid-ec-sign.pem"), fs::Permissions::from_mode(0o600)).expect("set");
    let keys = Arc::new(open(dir.path(), KeyAlgorithm::P256).expect("keys"));
    assert_eq!(keys.list().iter().map(|key| &key.kid).collect::<Vec<_>>(), ["kid-ec-sign"]);
    let codec = JwtCodec::new(keys, JwtSettings::of(ISSUER));

    let ours = codec.sign(&claims()).expect("signed");
    assert_eq!(codec.verify(ours.expose()), Some(claims()), "the key is in use");
    let ours = codec.sign_refresh(&refresh_claims()).expect("signed");
    assert_eq!(codec.verify_refresh(ours.expose()), Some(refresh_claims()), "the key is in use");

    let mut refused = tokens(include_str!("data/wycheproof/jws_es256.json"), "jws");
    refused.append(&mut tokens(include_str!("data/wycheproof/foreign.json"), "token"));
    assert_eq!(refused.len(), 39 + 108);
    for token in refused {
        assert_eq!(codec.verify(&token), None, "{token}");
        assert_eq!(codec.verify_refresh(&token), None, "{token}");
    }
}
