//! An issuer in memory: its keys, its feed, its clock, and how many requests it got.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Clock, HttpClient, HttpError, HttpResponse, Verifier, VerifierBuilder};

pub(super) const ISSUER: &str = "https://auth.example.com";
pub(super) const AUDIENCE: &str = "https://api.example.com";
/// The time at which each test begins.
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A signing key.
pub(super) enum PrivateKey {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    pub(super) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().expect("a key"))
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    pub(super) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y})
            }
            Self::Ed25519(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
            }
        }
    }

    /// Signs a token with any header and payload.
    pub(super) fn sign(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = match self {
            Self::P256(pair) => {
                pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed").as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(&signature))
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The id of this number, as text.
pub(super) fn uuid(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// The claims of a token that is valid at [`NOW`].
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": uuid(1), "sid": uuid(2),
        "jti": uuid(3), "client_id": "accounts", "roles": ["customer"], "iat": NOW, "exp": NOW + 900,
    })
}

/// The state of the issuer. All clones are the same issuer.
#[derive(Clone)]
pub(super) struct Issuer(Arc<State>);

struct State {
    key: PrivateKey,
    answers: Mutex<BTreeMap<&'static str, Answer>>,
    requests: Mutex<Vec<String>>,
    /// Microseconds since the beginning of the test.
    elapsed: AtomicU64,
    /// How long each answer takes, on the clock of the system.
    delay: Mutex<Duration>,
}

/// What a path answers. `None`: nothing.
type Answer = Option<(u16, &'static str, String)>;

pub(super) const KEYS: &str = "/.well-known/jwks.json";
pub(super) const FEED: &str = "/.well-known/ended-sessions";

impl Issuer {
    pub(super) fn new(key: PrivateKey) -> Self {
        let issuer = Self(Arc::new(State {
            answers: Mutex::default(),
            requests: Mutex::default(),
            elapsed: AtomicU64::new(0),
            delay: Mutex::default(),
            key,
        }));
        issuer.publish(&[issuer.0.key.jwk("first")]);
        issuer.end(&[], false);
        issuer
    }

    pub(super) fn builder(&self) -> VerifierBuilder {
        Verifier::builder(ISSUER).audience(AUDIENCE).http_client(self.clone()).clock(self.clone())
    }

    /// A verifier that has the keys and the ended sessions.
    pub(super) fn verifier(&self) -> Verifier {
        let verifier = self.builder().build().expect("a verifier");
        verifier.sync().expect("synced");
        verifier
    }

    pub(super) fn answer(&self, path: &'static str, answer: Answer) {
        self.0.answers.lock().expect("a lock").insert(path, answer);
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        let body = json!({"keys": keys}).to_string();
        self.answer(KEYS, Some((200, "public, max-age=300", body)));
    }

    /// Lists these sessions in the feed.
    pub(super) fn end(&self, sessions: &[u128], has_more: bool) {
        let sessions: Vec<_> = sessions.iter().map(|number| uuid(*number)).collect();
        let page = json!({
            "sessions": sessions, "next": "0.7.7", "more": has_more, "reset": false,
            "synced_at": self.unix_time(), "keep_seconds": 965,
        });
        self.answer(FEED, Some((200, "public, max-age=1", page.to_string())));
    }

    pub(super) fn advance(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).expect("a number");
        self.0.elapsed.fetch_add(micros, Ordering::SeqCst);
    }

    pub(super) fn slow_down(&self, delay: Duration) {
        *self.0.delay.lock().expect("a lock") = delay;
    }

    pub(super) fn unix_time(&self) -> u64 {
        NOW + self.elapsed().as_secs()
    }

    /// The requests that this path got, with their queries.
    pub(super) fn requests(&self, path: &str) -> Vec<String> {
        let requests = self.0.requests.lock().expect("a lock");
        requests
            .iter()
            .filter_map(|url| url.strip_prefix(&format!("{ISSUER}{path}")))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn header(&self) -> String {
        json!({"alg": self.0.key.algorithm(), "typ": "at+jwt", "kid": "first"}).to_string()
    }

    pub(super) fn key(&self) -> &PrivateKey {
        &self.0.key
    }

    pub(super) fn token(&self) -> String {
        self.sign(&claims())
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.0.key.sign(&self.header(), &claims.to_string())
    }
}

impl Clock for Issuer {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.0.elapsed.load(Ordering::SeqCst))
    }
}

impl HttpClient for Issuer {
    fn get(&self, url: &str, _timeout: Duration) -> Result<HttpResponse, HttpError> {
        self.0.requests.lock().expect("a lock").push(url.to_owned());
        let delay = *self.0.delay.lock().expect("a lock");
        std::thread::sleep(delay);
        let answers = self.0.answers.lock().expect("a lock");
        let found =
            answers.iter().find(|(path, _)| url.split('?').next() == Some(&format!("{ISSUER}{path}")));
        let answer = found.and_then(|(_, answer)| answer.clone());
        let (status, caching, body) = answer.ok_or("the issuer is away")?;
        Ok(HttpResponse { status, cache_control: Some(caching.to_owned()), body: body.into_bytes() })
    }
}
