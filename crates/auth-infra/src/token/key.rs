//! Keys that sign: Ed25519 (RFC 8037) and ECDSA on P-256 (RFC 7518, section 3.4).

use std::fmt;
use std::str::FromStr;

use auth_domain::model::Timestamp;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, Signature,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{compact, pem, wire};

/// What a key signs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519: `EdDSA` in a token's header. The default: signing needs no randomness that could fail.
    #[default]
    Ed25519,
    /// ECDSA on P-256 with SHA-256: `ES256` in a token's header, for verifiers that know no Ed25519. Each signature
    /// has a twin that anybody can compute and that verifies as well: a token is to be known by its `jti`, not by
    /// its text.
    P256,
}

/// The text is not the name of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be \"EdDSA\" or \"ES256\"")]
pub struct InvalidKeyAlgorithm;

impl KeyAlgorithm {
    /// The `alg` of the headers (RFC 8037, section 3.1; RFC 7518, section 3.1). RFC 9864 has a new name for the first,
    /// `Ed25519`, which most verifiers do not know yet.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::P256 => "ES256",
        }
    }

    /// The public key that verifies signatures of this algorithm, out of its raw bytes: 32 of Ed25519 or the 65 of an
    /// uncompressed point.
    pub(super) fn verifier(self, public: &[u8]) -> Result<ParsedPublicKey, KeyRejected> {
        match self {
            Self::Ed25519 => ParsedPublicKey::new(&ED25519, public),
            Self::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public),
        }
    }

    /// A new private key in PEM. AWS-LC makes keys out of its own random generator and of no other.
    pub(super) fn generate(self) -> Result<Zeroizing<String>, Unspecified> {
        let pkcs8 = match self {
            // Version 1, without the public key: OpenSSL reads no other.
            Self::Ed25519 => Ed25519KeyPair::generate()?.to_pkcs8v1()?,
            Self::P256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?,
        };
        Ok(pem::encode(pkcs8.as_ref()))
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

enum PrivateKey {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A key that signs and verifies, ready for use. Its private half cannot be printed.
pub(super) struct SigningKey {
    kid: String,
    created: Timestamp,
    private: PrivateKey,
    public: ParsedPublicKey,
    /// The header of every token that this key signs, encoded.
    header: String,
}

impl SigningKey {
    /// Reads a private key in PEM; `None` when it is not one of these algorithms.
    pub(super) fn parse(kid: String, created: Timestamp, text: &str) -> Option<Self> {
        let pkcs8 = pem::decode(text)?;
        let private = match Ed25519KeyPair::from_pkcs8(&pkcs8) {
            Ok(pair) => PrivateKey::Ed25519(pair),
            Err(_) => {
                PrivateKey::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?)
            }
        };
        let public = private.algorithm().verifier(private.public_bytes()).ok()?;
        let header = compact::encode(&wire::header(private.algorithm(), &kid));
        Some(Self { kid, created, private, public, header })
    }

    /// The name that a token's header gives the key.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn algorithm(&self) -> KeyAlgorithm {
        self.private.algorithm()
    }

    pub(super) fn created(&self) -> Timestamp {
        self.created
    }

    /// The header of every token that this key signs, encoded.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// Signs: 64 bytes, for Ed25519 always the same for one message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, Unspecified> {
        match &self.private {
            PrivateKey::Ed25519(pair) => pair.try_sign(message),
            // AWS-LC takes a random source for the sake of compatibility, and uses its own.
            PrivateKey::P256(pair) => pair.sign(&SystemRandom::new(), message),
        }
    }

    /// Whether this key signed the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    /// The public key (RFC 7517, section 4; RFC 8037, section 2; RFC 7518, section 6.2.1).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = json!({ "kid": self.kid, "alg": self.algorithm().as_str(), "use": "sig" });
        let encode = |bytes| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let public = self.private.public_bytes();
        match self.private {
            PrivateKey::Ed25519(_) => {
                jwk["kty"] = "OKP".into();
                jwk["crv"] = "Ed25519".into();
                jwk["x"] = encode(public);
            }
            PrivateKey::P256(_) => {
                // An uncompressed point (SEC 1, section 2.3.3): a 4, then 32 bytes each of x and y.
                let (x, y) = public[1..].split_at(32);
                jwk["kty"] = "EC".into();
                jwk["crv"] = "P-256".into();
                jwk["x"] = encode(x);
                jwk["y"] = encode(y);
            }
        }
        jwk
    }
}

impl PrivateKey {
    fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Ed25519(_) => KeyAlgorithm::Ed25519,
            Self::P256(_) => KeyAlgorithm::P256,
        }
    }

    fn public_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: KeyAlgorithm) -> SigningKey {
        let pem = algorithm.generate().expect("a key");
        SigningKey::parse("kid".to_owned(), Timestamp::UNIX_EPOCH, &pem).expect("a key")
    }

    #[test]
    fn a_key_verifies_what_it_signed_and_nothing_else() {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            let (key, other) = (key(algorithm), key(algorithm));
            let signature = key.sign(b"message").expect("signed");
            assert_eq!(signature.as_ref().len(), 64);
            assert!(key.verifies(b"message", signature.as_ref()));
            assert!(!key.verifies(b"messagf", signature.as_ref()));
            assert!(!other.verifies(b"message", signature.as_ref()));
        }
    }

    #[test]
    fn ed25519_signs_one_message_in_one_way() {
        let key = key(KeyAlgorithm::Ed25519);
        let sign = || key.sign(b"message").expect("signed");
        assert_eq!(sign().as_ref(), sign().as_ref());
    }

    /// RFC 8037, appendix A.2: the key of appendix A.1, and its public half as a JWK.
    #[test]
    fn the_public_key_of_the_rfc_comes_out() {
        const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
            -----END PRIVATE KEY-----\n";
        let key = SigningKey::parse("kid".to_owned(), Timestamp::UNIX_EPOCH, PEM).expect("a key");
        assert_eq!(key.jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        // Appendix A.4: the signature of that example.
        let signed = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").expect("signed");
        assert_eq!(
            compact::encode(signed.as_ref()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn nothing_private_can_be_printed() {
        let key = key(KeyAlgorithm::Ed25519);
        assert_eq!(format!("{key:?}"), "SigningKey { kid: \"kid\", .. }");
    }

    #[test]
    fn algorithms_are_read_as_they_are_written() {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for other in ["", "none", "eddsa", "HS256", "RS256"] {
            assert_eq!(other.parse::<KeyAlgorithm>(), Err(InvalidKeyAlgorithm));
        }
    }
}
