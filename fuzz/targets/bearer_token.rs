//! Access tokens and signed refresh tokens: the raw input, and the input as header and payload with a valid signature.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use auth_domain::ports::AccessTokenCodec;
use auth_domain::testing::{FixedClock, SeededRandom};
use auth_infra::token::{JwtCodec, JwtSettings, KeyAlgorithm, KeyRing, TokenLifetimes};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;

/// The key of RFC 8037, appendix A.1.
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

static CODEC: LazyLock<JwtCodec> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n");
    let path = directory.path().join("a.pem");
    std::fs::write(&path, pem).expect("written");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    let (clock, random) = (Arc::new(FixedClock::default()), Arc::new(SeededRandom::new(1)));
    let minute = Duration::from_secs(60);
    let lifetimes = TokenLifetimes { access: minute, renewal: minute, leeway: minute };
    let keys = KeyRing::open(directory.path(), KeyAlgorithm::Ed25519, lifetimes, clock, random).expect("keys");
    JwtCodec::new(Arc::new(keys), JwtSettings::of("a"))
});
static SIGNER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_pkcs8(&STANDARD.decode(KEY).expect("base64")).expect("a key"));

/// An accepted token has claims that can be signed again, and the new token has the same claims. No token is of both kinds.
fn verify(token: &str) {
    let (access, refresh) = (CODEC.verify(token), CODEC.verify_refresh(token));
    assert!(access.is_none() || refresh.is_none());
    if let Some(claims) = access {
        let again = CODEC.sign(&claims).expect("signed");
        assert_eq!(CODEC.verify(again.expose()), Some(claims));
    }
    if let Some(claims) = refresh {
        let again = CODEC.sign_refresh(&claims).expect("signed");
        assert_eq!(CODEC.verify_refresh(again.expose()), Some(claims));
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(token) = str::from_utf8(input) {
        verify(token);
    }
    let (header, payload) = match input.iter().position(|byte| *byte == b'\n') {
        Some(line) => (&input[..line], &input[line + 1..]),
        None => (&br#"{"alg":"EdDSA","typ":"at+jwt","kid":"a"}"#[..], input),
    };
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = SIGNER.sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    verify(&token);
});
