//! Compares a verified request with a bare signature check. It prints the median of several rounds, which alternate.
//!
//! ```sh
//! cargo run --release -p auth-verify --example verify_cost
//! ```
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use auth_verify::{HttpClient, HttpError, HttpResponse, Verifier, WhenStale};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

const ISSUER: &str = "https://auth.example.com";
const ROUNDS: usize = 41;
const REPEATS: u32 = 2_000;
/// The ended sessions that the revocation check searches.
const ENDED: u128 = 5_000;

/// An issuer without a network.
struct Issuer {
    keys: String,
    feed: String,
}

impl HttpClient for Issuer {
    fn get(&self, url: &str, _timeout: Duration) -> Result<HttpResponse, HttpError> {
        let body = if url.contains("jwks") { &self.keys } else { &self.feed };
        let cache_control = Some("max-age=3600".to_owned());
        Ok(HttpResponse { status: 200, cache_control, body: body.clone().into_bytes() })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let point = pair.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let id = |number: u128| format!("{number:08x}-0000-4000-8000-{number:012x}");
    let sessions: Vec<_> = (1..=ENDED).map(id).collect();
    let feed =
        json!({"sessions": sessions, "next": "0.1.1", "more": false, "synced_at": now, "keep_seconds": 965});
    let claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": id(1), "exp": now + 900, "iat": now, "jti": id(2), "sid": id(ENDED + 1),
        "client_id": "accounts", "roles": ["customer"],
    });
    let header = r#"{"alg":"ES256","typ":"at+jwt","kid":"a"}"#;
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes())?;
    let token = format!("{signed}.{}", encode(signature.as_ref()));

    let verifier = |tokens| {
        let issuer = Issuer { keys: json!({"keys": [jwk]}).to_string(), feed: feed.to_string() };
        // Nothing follows the feed meanwhile.
        let builder = Verifier::builder(ISSUER).when_stale(Duration::from_secs(3_600), WhenStale::Refuse);
        builder.http_client(issuer).cached_tokens(tokens).build()
    };
    let (uncached, cached) = (verifier(0)?, verifier(100)?);
    uncached.sync()?;
    cached.sync()?;
    let unparsed = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?;

    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let round = [
            time(|| unparsed.verify(signed.as_bytes(), signature.as_ref()).is_ok()),
            time(|| parsed.verify_sig(signed.as_bytes(), signature.as_ref()).is_ok()),
            time(|| uncached.verify(&token).is_ok()),
            time(|| cached.verify(&token).is_ok()),
        ];
        times.iter_mut().zip(round).for_each(|(all, one)| all.push(one));
    }
    let [unparsed, parsed, uncached, cached] = times.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    });
    println!("bare signature check, key parsed each time  {unparsed:8.2} µs");
    println!("bare signature check, key parsed once       {parsed:8.2} µs");
    println!(
        "verify, new token                           {uncached:8.2} µs  {:.3} of the bare check",
        uncached / parsed
    );
    println!(
        "verify, cached token                        {cached:8.2} µs  {:.3} of the bare check",
        cached / parsed
    );
    Ok(())
}

/// Microseconds of one call, on average.
fn time(call: impl Fn() -> bool) -> f64 {
    let began = Instant::now();
    let accepted = (0..REPEATS).filter(|_| black_box(call())).count();
    assert_eq!(accepted, REPEATS as usize, "every call accepts the token");
    began.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS)
}
