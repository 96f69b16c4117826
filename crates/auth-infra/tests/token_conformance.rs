//! Runs the conformance suite against the JWT codec, once for each algorithm.
#![cfg(feature = "jwt")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod token_fixture;

use std::fs;
use std::sync::Arc;

use auth_domain::conformance::AccessTokenCodecs;
use auth_domain::ports::AccessTokenCodec;
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyRing};
use token_fixture::{ISSUER, open};

/// A key ring with one new key named `kid`.
fn ring(kid: &str, algorithm: KeyAlgorithm) -> Arc<KeyRing> {
    let dir = tempfile::tempdir().expect("a directory");
    let made = open(dir.path(), algorithm).expect("keys").list();
    let path = |kid: &str| dir.path().join(format!("{kid}.pem"));
    fs::rename(path(&made[0].kid), path(kid)).expect("renamed");
    Arc::new(open(dir.path(), algorithm).expect("keys"))
}

fn codec(keys: &Arc<KeyRing>, issuer: &str, audience: &str) -> Arc<dyn AccessTokenCodec> {
    let settings = JwtSettings { issuer: issuer.to_owned(), audience: audience.to_owned() };
    Arc::new(JwtCodec::new(Arc::clone(keys), settings))
}

fn codecs(algorithm: KeyAlgorithm, other: KeyAlgorithm) -> AccessTokenCodecs {
    let keys = ring("kid", algorithm);
    AccessTokenCodecs {
        codec: codec(&keys, ISSUER, ISSUER),
        foreign: vec![
            codec(&ring("kid", algorithm), ISSUER, ISSUER),
            codec(&ring("other", algorithm), ISSUER, ISSUER),
            codec(&ring("kid", other), ISSUER, ISSUER),
            codec(&keys, "https://other.example.com", ISSUER),
            codec(&keys, ISSUER, "https://other.example.com"),
        ],
    }
}

mod ed25519 {
    use super::{KeyAlgorithm, codecs};

    auth_domain::conformance_tests! {
        access_token_codec: || async { codecs(KeyAlgorithm::Ed25519, KeyAlgorithm::P256) }
    }
}

mod p256 {
    use super::{KeyAlgorithm, codecs};

    auth_domain::conformance_tests! {
        access_token_codec: || async { codecs(KeyAlgorithm::P256, KeyAlgorithm::Ed25519) }
    }
}
