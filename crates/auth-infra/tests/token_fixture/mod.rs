//! A token issuer with its own key directory.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::{
    AccessClaims, ClientId, ExtraClaims, RefreshClaims, Roles, SessionId, Timestamp, TokenId, UserId,
};
use auth_domain::ports::AccessTokenCodec;
use auth_domain::testing::{FixedClock, SeededRandom};
use auth_infra::token::{
    JwtCodec, JwtSettings, KeyAlgorithm, KeyFileError, KeyInfo, KeyRing, KeyUse, Rotation, TokenLifetimes,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://auth.example.com";

/// The lifetimes of tokens and keys.
pub(crate) const LIFETIMES: TokenLifetimes = TokenLifetimes {
    access: Duration::from_secs(900),
    renewal: Duration::from_secs(14 * 24 * 3_600),
    leeway: Duration::from_secs(5),
};

/// The kinds of tokens that a codec signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Access, Self::Refresh];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Access => Self::Refresh,
            Self::Refresh => Self::Access,
        }
    }

    pub(crate) fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }

    /// The members of [`claims`] or [`refresh_claims`], in another order than the codec's.
    pub(crate) fn members(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Access => PAYLOAD.to_vec(),
            Self::Refresh => REFRESH_PAYLOAD.to_vec(),
        }
    }

    /// Whether a codec accepts a token as one of this kind. Its claims must be those of this fixture.
    pub(crate) fn is_accepted(self, codec: &JwtCodec, token: &str) -> bool {
        match self {
            Self::Access => codec.verify(token).map(|found| assert_eq!(found, claims())).is_some(),
            Self::Refresh => {
                codec.verify_refresh(token).map(|found| assert_eq!(found, refresh_claims())).is_some()
            }
        }
    }
}

/// The time for which a new key is published before it signs.
pub(crate) const DELAY: Duration = Duration::from_secs(600);

pub(crate) struct Issuer {
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) codec: JwtCodec,
}

impl Issuer {
    /// Creates an issuer with one new key.
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(FixedClock::default());
        let keys = Arc::new(open_at(&clock, &dir.path().join("keys"), algorithm).expect("keys"));
        let codec = JwtCodec::new(Arc::clone(&keys), JwtSettings::of(ISSUER));
        Self { dir, clock, keys, codec }
    }

    /// Adds a key, and waits until it signs.
    pub(crate) fn rotate(&self) -> KeyInfo {
        rotate(&self.keys, &self.clock)
    }

    pub(crate) fn verify(&self, token: &str) -> Option<AccessClaims> {
        self.codec.verify(token)
    }

    /// An access token signed by the codec.
    pub(crate) fn token(&self) -> String {
        self.token_of(Kind::Access)
    }

    /// A token of this kind, signed by the codec.
    pub(crate) fn token_of(&self, kind: Kind) -> String {
        let token = match kind {
            Kind::Access => self.codec.sign(&claims()),
            Kind::Refresh => self.codec.sign_refresh(&refresh_claims()),
        };
        token.expect("signed").expose().to_owned()
    }

    /// Whether the codec accepts a token as one of this kind.
    pub(crate) fn accepts(&self, kind: Kind, token: &str) -> bool {
        kind.is_accepted(&self.codec, token)
    }

    pub(crate) fn kid(&self) -> String {
        self.keys.signing_and_newest().0
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.keys.newest_algorithm()
    }

    /// A valid header of an access token, with its members in another order than the codec's.
    pub(crate) fn header(&self) -> String {
        self.header_of(Kind::Access)
    }

    /// A valid header of a token of this kind.
    pub(crate) fn header_of(&self, kind: Kind) -> String {
        format!(r#"{{"typ":"{}","kid":"{}","alg":"{}"}}"#, kind.typ(), self.kid(), self.algorithm())
    }

    /// Signs any header and payload with the issuer's key, without the library that the codec uses.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_encoded(&encode(header), &encode(payload))
    }

    /// Signs two encoded parts unchanged with the issuer's key.
    pub(crate) fn sign_encoded(&self, header: &str, payload: &str) -> String {
        let signed = format!("{header}.{payload}");
        let file = self.dir.path().join(format!("keys/{}.pem", self.kid()));
        let pem = fs::read_to_string(file).expect("the key");
        let body: String = pem
            .lines()
            .skip_while(|line| !line.starts_with('-'))
            .filter(|line| !line.starts_with('-'))
            .collect();
        let pkcs8 = STANDARD.decode(body).expect("base64");
        let signature = match self.algorithm() {
            KeyAlgorithm::Ed25519 => {
                Ed25519KeyPair::from_pkcs8(&pkcs8).expect("a key").sign(signed.as_bytes())
            }
            KeyAlgorithm::P256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
                .expect("a key")
                .sign(&SystemRandom::new(), signed.as_bytes())
                .expect("signed"),
        };
        format!("{signed}.{}", encode(signature))
    }
}

/// Opens a key directory with a fixed clock.
pub(crate) fn open(path: &Path, algorithm: KeyAlgorithm) -> Result<KeyRing, KeyFileError> {
    open_at(&Arc::default(), path, algorithm)
}

/// Opens a key directory with this clock.
pub(crate) fn open_at(
    clock: &Arc<FixedClock>,
    path: &Path,
    algorithm: KeyAlgorithm,
) -> Result<KeyRing, KeyFileError> {
    KeyRing::open(path, algorithm, LIFETIMES, clock.clone(), Arc::new(SeededRandom::new(seed())))
}

/// Adds a key, and advances the clock until it signs.
pub(crate) fn rotate(keys: &KeyRing, clock: &FixedClock) -> KeyInfo {
    let new = keys.rotate(Rotation::After(DELAY)).expect("rotated");
    let KeyUse::Published { signs_from } = new.used else { panic!("it is {:?}", new.used) };
    clock.set(signs_from);
    keys.list().into_iter().find(|key| key.kid == new.kid).expect("the new key")
}

/// A different seed for each ring, so that no two rings create keys with the same name.
fn seed() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SEED: AtomicU64 = AtomicU64::new(0);
    SEED.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

pub(crate) fn claims() -> AccessClaims {
    let uuid = |text| Uuid::parse_str(text).expect("a UUID");
    AccessClaims {
        token_id: TokenId(uuid("0198a2d1-5a3f-7c3e-9a5b-3f5e7d9b1c2d")),
        user_id: UserId(uuid("0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d")),
        session_id: SessionId(uuid("0198a2d1-2222-7c3e-9a5b-3f5e7d9b1c2d")),
        client_id: ClientId::from_static("example"),
        roles: Roles::parse("admin,customer").expect("roles"),
        issued_at: Timestamp::from_unix_seconds(1_755_080_130),
        expires_at: Timestamp::from_unix_seconds(1_755_081_030),
        extra: ExtraClaims::default(),
    }
}

/// The claims of a refresh token with the ids and times of [`claims`].
pub(crate) fn refresh_claims() -> RefreshClaims {
    let AccessClaims { token_id, user_id, session_id, issued_at, expires_at, .. } = claims();
    RefreshClaims { token_id, user_id, session_id, issued_at, expires_at }
}

/// The members of [`claims`] as a payload, in another order than the codec's.
pub(crate) const PAYLOAD: [(&str, &str); 9] = [
    ("jti", r#""0198a2d1-5a3f-7c3e-9a5b-3f5e7d9b1c2d""#),
    ("sub", r#""0198a2d1-1111-7c3e-9a5b-3f5e7d9b1c2d""#),
    ("sid", r#""0198a2d1-2222-7c3e-9a5b-3f5e7d9b1c2d""#),
    ("client_id", r#""example""#),
    ("roles", r#"["admin","customer"]"#),
    ("iat", "1755080130"),
    ("exp", "1755081030"),
    ("aud", r#""https://auth.example.com""#),
    ("iss", r#""https://auth.example.com""#),
];

/// The members of [`refresh_claims`].
pub(crate) const REFRESH_PAYLOAD: [(&str, &str); 7] = {
    let [jti, sub, sid, _, _, iat, exp, _, iss] = PAYLOAD;
    [jti, sub, sid, iat, exp, ("aud", r#""https://auth.example.com/refresh""#), iss]
};

/// Writes a JSON object with these members.
pub(crate) fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", members.join(","))
}
