//! Signature algorithms of keys: Ed25519 (RFC 8037) and ECDSA on P-256 (RFC 7518, section 3.4).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// The algorithm of a signing key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519: `EdDSA` in a token's header. Signing needs no randomness, and equal claims give equal tokens.
    Ed25519,
    /// ECDSA on P-256 with SHA-256: `ES256` in a token's header. It is the default, because more JWT libraries verify
    /// it (ADR 0004). Equal claims give different signatures, and from each of them anyone can compute a second valid
    /// one. A token is therefore identified by its `jti` and not by its text.
    #[default]
    P256,
}

/// The text is not the name of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be \"EdDSA\" or \"ES256\"")]
pub struct InvalidKeyAlgorithm;

impl KeyAlgorithm {
    /// The `alg` of the headers (RFC 8037, section 3.1; RFC 7518, section 3.1). RFC 9864 renames the first to
    /// `Ed25519`, which most verifiers do not support yet.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::P256 => "ES256",
        }
    }

    pub(super) fn jwt(self) -> Algorithm {
        match self {
            Self::Ed25519 => Algorithm::EdDSA,
            Self::P256 => Algorithm::ES256,
        }
    }

    /// The private key of jsonwebtoken, from a PKCS#8 structure of version 1.
    pub(super) fn encoding_key(self, pkcs8: &[u8]) -> EncodingKey {
        match self {
            Self::Ed25519 => EncodingKey::from_ed_der(pkcs8),
            Self::P256 => EncodingKey::from_ec_der(pkcs8),
        }
    }

    /// The public key of jsonwebtoken, from 32 bytes of Ed25519 or the 65 bytes of an uncompressed point.
    pub(super) fn decoding_key(self, public: &[u8]) -> DecodingKey {
        match self {
            Self::Ed25519 => DecodingKey::from_ed_der(public),
            Self::P256 => DecodingKey::from_ec_der(public),
        }
    }

    /// Generates a private key as a PKCS#8 structure. AWS-LC uses its own random generator and accepts no other.
    pub(super) fn generate(self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let pkcs8 = match self {
            // Version 1, without the public key: OpenSSL reads no other version.
            Self::Ed25519 => Ed25519KeyPair::generate()?.to_pkcs8v1()?,
            Self::P256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?,
        };
        Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }
}

/// A private key as a PKCS#8 structure of version 1 (RFC 5208), with its public half.
pub(super) struct PrivateKey {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    /// 32 bytes of Ed25519, or the 65 bytes of an uncompressed point.
    pub(super) public: Vec<u8>,
}

impl PrivateKey {
    /// Reads a PKCS#8 structure of version 1 or 2, or a key of P-256 in SEC 1. `None` for any other key.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            let public = pair.public_key().as_ref().to_vec();
            let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec());
            return Some(Self { algorithm: KeyAlgorithm::Ed25519, pkcs8, public });
        }
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
        let public = pair.public_key().as_ref().to_vec();
        let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec());
        Some(Self { algorithm: KeyAlgorithm::P256, pkcs8, public })
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = InvalidKeyAlgorithm;

    fn from_str(name: &str) -> Result<Self, InvalidKeyAlgorithm> {
        [Self::Ed25519, Self::P256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(InvalidKeyAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithm_names_are_parsed_as_they_are_printed() {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for other in ["", "none", "eddsa", "HS256", "RS256"] {
            assert_eq!(other.parse::<KeyAlgorithm>(), Err(InvalidKeyAlgorithm));
        }
    }
}
