//! Signing keys: private keys that jsonwebtoken signs and verifies with.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as AWS_LC;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, EncodingKey, errors};
use serde_json::Value;

use super::algorithm::{KeyAlgorithm, PrivateKey};
use super::compact;
use super::wire::{self, TokenKind};

/// A key that signs and verifies. Its private half cannot be printed.
pub(super) struct SigningKey {
    /// The name of the key in a token's header.
    pub(super) kid: String,
    pub(super) algorithm: KeyAlgorithm,
    /// The public key (RFC 7517, section 4; RFC 8037, section 2; RFC 7518, section 6.2.1).
    pub(super) jwk: Value,
    /// The encoded headers of the access tokens and of the refresh tokens that this key signs.
    headers: [String; 2],
    private: Arc<EncodingKey>,
    public: DecodingKey,
}

/// A signer with its parsed private key, and the key that it was made from.
type CachedSigner = (Weak<EncodingKey>, Box<dyn JwtSigner>);

thread_local! {
    /// The signer of the key that this thread used last. To make a signer is to parse the private key, which takes
    /// about as long as a signature (ADR 0004). A signer is not `Sync`, so each thread has its own.
    static SIGNER: RefCell<Option<CachedSigner>> = const { RefCell::new(None) };
}

impl SigningKey {
    /// Names a private key. `None` if the library cannot publish it.
    pub(super) fn new(kid: String, private: &PrivateKey) -> Option<Self> {
        let algorithm = private.algorithm;
        let public = algorithm.decoding_key(&private.public);
        let mut jwk = Jwk::from_decoding_key(&public, Some(algorithm.jwt())).ok()?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self {
            headers: [TokenKind::Access, TokenKind::Refresh]
                .map(|kind| compact::encode(&wire::header(kind, algorithm, &kid))),
            private: Arc::new(algorithm.encoding_key(&private.pkcs8)),
            jwk: serde_json::to_value(jwk).ok()?,
            public,
            kid,
            algorithm,
        })
    }

    /// The encoded header of the tokens of this kind that this key signs.
    pub(super) fn header(&self, kind: TokenKind) -> &str {
        let [access, refresh] = &self.headers;
        match kind {
            TokenKind::Access => access,
            TokenKind::Refresh => refresh,
        }
    }

    /// Signs a message: 64 bytes, for Ed25519 always the same for the same message.
    pub(super) fn sign(&self, message: &[u8]) -> errors::Result<Vec<u8>> {
        SIGNER.with_borrow_mut(|cached| {
            if let Some((key, signer)) = cached
                && std::ptr::eq(key.as_ptr(), Arc::as_ptr(&self.private))
            {
                return Ok(signer.try_sign(message)?);
            }
            // The provider is named, because the default one panics if another crate enables a second backend.
            let signer = (AWS_LC.signer_factory)(&self.algorithm.jwt(), &self.private)?;
            let signature = signer.try_sign(message)?;
            *cached = Some((Arc::downgrade(&self.private), signer));
            Ok(signature)
        })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        is_signature(self.algorithm, &self.public, message, signature)
    }
}

/// Whether `signature` is valid for the message, the key and this algorithm. The library does not read the header.
pub(super) fn is_signature(
    algorithm: KeyAlgorithm,
    public: &DecodingKey,
    message: &[u8],
    signature: &Vec<u8>,
) -> bool {
    (AWS_LC.verifier_factory)(&algorithm.jwt(), public)
        .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_file;
    use super::*;

    fn key(algorithm: KeyAlgorithm) -> SigningKey {
        let private = PrivateKey::from_der(&algorithm.generate().expect("generated")).expect("a key");
        SigningKey::new("kid".to_owned(), &private).expect("a key")
    }

    #[test]
    fn a_key_verifies_what_it_signed_and_nothing_else() {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::P256] {
            let (key, other) = (key(algorithm), key(algorithm));
            let signature = key.sign(b"message").expect("signed");
            assert_eq!(signature.len(), 64);
            assert!(key.verifies(b"message", &signature));
            assert!(!key.verifies(b"messagf", &signature));
            assert!(!other.verifies(b"message", &signature));
        }
    }

    #[test]
    fn a_thread_that_alternates_between_keys_signs_with_each() {
        let keys = [key(KeyAlgorithm::Ed25519), key(KeyAlgorithm::P256), key(KeyAlgorithm::Ed25519)];
        for key in keys.iter().chain(&keys) {
            for _ in 0..2 {
                assert!(key.verifies(b"message", &key.sign(b"message").expect("signed")));
            }
        }
    }

    #[test]
    fn ed25519_signs_one_message_in_one_way() {
        let key = key(KeyAlgorithm::Ed25519);
        assert_eq!(key.sign(b"message").expect("signed"), key.sign(b"message").expect("signed"));
    }

    /// RFC 8037, appendix A.2: the key of appendix A.1, and its public half as a JWK.
    #[test]
    fn the_key_of_rfc_8037_has_its_public_key_and_signature() {
        const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
            -----END PRIVATE KEY-----\n";
        let (_, private) = key_file::parse("kid", PEM.as_bytes()).expect("a key");
        let key = SigningKey::new("kid".to_owned(), &private).expect("a key");
        assert_eq!(key.jwk["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        // Appendix A.4: the signature of that example.
        let signed = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").expect("signed");
        assert_eq!(
            compact::encode(&signed),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn debug_output_contains_no_private_key() {
        let key = key(KeyAlgorithm::Ed25519);
        assert_eq!(format!("{key:?}"), "SigningKey { kid: \"kid\", .. }");
    }
}
