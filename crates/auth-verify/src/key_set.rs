//! The public keys of an issuer (RFC 7517).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use crate::compact::decode;

/// The most keys of a set. An issuer publishes two or three.
const MAX_KEYS: usize = 64;

/// A public key with its one algorithm.
pub(crate) struct Key {
    kid: String,
    algorithm: &'static str,
    public: ParsedPublicKey,
    bytes: Vec<u8>,
}

/// The keys of a set that this crate can use.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet(Vec<Arc<Key>>);

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// A key of one of the two supported types. Members that do not matter are ignored (RFC 7517, section 4).
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    crv: String,
    x: String,
    y: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

impl Key {
    /// Returns whether the header of a token names the algorithm of this key, and this key has signed the token.
    pub(crate) fn has_signed(&self, signed: &str, signature: &[u8]) -> bool {
        self.public.verify_sig(signed.as_bytes(), signature).is_ok()
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.kid, self.algorithm, &self.bytes) == (&other.kid, other.algorithm, &other.bytes)
    }

    /// The algorithm of the key. The header of a token confirms it and never selects it.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl KeySet {
    /// Parses a set. Keys of another type, algorithm or use are skipped (RFC 7517, section 5).
    pub(crate) fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let Jwks { keys } = serde_json::from_slice(json).map_err(|_| "it is not a JWK set")?;
        if keys.len() > MAX_KEYS {
            return Err("the JWK set has more than 64 keys");
        }
        let keys: Vec<_> = keys.into_iter().filter_map(key).map(Arc::new).collect();
        let is_repeated =
            |(index, key): (usize, &Arc<Key>)| keys[..index].iter().any(|other| other.kid == key.kid);
        if keys.is_empty() {
            Err("the JWK set has no key for ES256 or EdDSA")
        } else if keys.iter().enumerate().any(is_repeated) {
            Err("two keys of the JWK set have one kid")
        } else {
            Ok(Self(keys))
        }
    }

    /// Takes the keys that an earlier set has too from that set, so that the tokens they have verified stay cached.
    pub(crate) fn keep(mut self, earlier: &Self) -> Self {
        for key in &mut self.0 {
            if let Some(known) = earlier.find(&key.kid).filter(|known| known.is_same(key)) {
                *key = Arc::clone(known);
            }
        }
        self
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.kid == kid)
    }

    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        self.0.iter().any(|held| Arc::ptr_eq(held, key))
    }
}

fn key(jwk: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    if jwk.usage.is_some_and(|usage| usage != "sig") {
        return None;
    }
    let x = decode(&jwk.x)?;
    let (algorithm, verification, public): (_, &'static dyn VerificationAlgorithm, _) =
        match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("EC", "P-256") => {
                let y = decode(jwk.y.as_deref()?)?;
                // An uncompressed point (SEC 1, section 2.3.3). Each coordinate has 32 bytes (RFC 7518, section 6.2.1.2).
                let is_full = x.len() == 32 && y.len() == 32;
                ("ES256", &ECDSA_P256_SHA256_FIXED, is_full.then(|| [&[4], &x[..], &y[..]].concat())?)
            }
            ("OKP", "Ed25519") => ("EdDSA", &ED25519, x),
            _ => return None,
        };
    if jwk.alg.is_some_and(|named| named != algorithm) {
        return None;
    }
    let parsed = ParsedPublicKey::new(verification, &public).ok()?;
    Some(Key { kid: jwk.kid, algorithm, public: parsed, bytes: public })
}
