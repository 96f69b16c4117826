//! Signing keys: private keys in PEM that jsonwebtoken signs and verifies with.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use auth_domain::model::Timestamp;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as AWS_LC;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, EncodingKey, errors};
use pem_rfc7468::{Decoder, LineEnding};
use serde_json::Value;
use zeroize::Zeroizing;

use super::algorithm::KeyAlgorithm;
use super::compact;
use super::wire::{self, TokenKind};

/// The label of a PKCS#8 structure in PEM (RFC 7468, section 10).
const LABEL: &str = "PRIVATE KEY";

/// A key that signs and verifies. Its private half cannot be printed.
pub(super) struct SigningKey {
    /// The name of the key in a token's header.
    pub(super) kid: String,
    pub(super) algorithm: KeyAlgorithm,
    pub(super) created: Timestamp,
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
    /// Reads a private key in PEM; `None` if the text is anything but one key of a supported algorithm.
    pub(super) fn parse(kid: String, created: Timestamp, pem: &str) -> Option<Self> {
        let pkcs8 = decode_pem(pem)?;
        let (algorithm, public) = if let Ok(pair) = Ed25519KeyPair::from_pkcs8(&pkcs8) {
            (KeyAlgorithm::Ed25519, pair.public_key().as_ref().to_vec())
        } else {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?;
            (KeyAlgorithm::P256, pair.public_key().as_ref().to_vec())
        };
        let public = algorithm.decoding_key(&public);
        let mut jwk = Jwk::from_decoding_key(&public, Some(algorithm.jwt())).ok()?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self {
            headers: [TokenKind::Access, TokenKind::Refresh]
                .map(|kind| compact::encode(&wire::header(kind, algorithm, &kid))),
            private: Arc::new(algorithm.encoding_key(&pkcs8)),
            jwk: serde_json::to_value(jwk).ok()?,
            public,
            kid,
            algorithm,
            created,
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

pub(super) fn generate_pem(algorithm: KeyAlgorithm) -> Result<Zeroizing<String>, Unspecified> {
    let pkcs8 = algorithm.generate()?;
    pem_rfc7468::encode_string(LABEL, LineEnding::LF, &pkcs8).map(Zeroizing::new).map_err(|_| Unspecified)
}

/// Reads the PKCS#8 structure of a text that is one PEM block and nothing else. `None` for anything else, such as a
/// public key, an encrypted key, a key in an older format of its algorithm, or two keys.
fn decode_pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // The decoder would skip text before the block.
    let text = Some(text.trim()).filter(|text| text.starts_with("-----BEGIN"))?;
    let mut decoder = Decoder::new_detect_wrap(text.as_bytes()).ok()?;
    let mut pkcs8 = Zeroizing::new(Vec::new());
    decoder.decode_to_end(&mut pkcs8).ok()?;
    (decoder.type_label() == LABEL).then_some(pkcs8)
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
        let pem = generate_pem(algorithm).expect("a key");
        SigningKey::parse("kid".to_owned(), Timestamp::UNIX_EPOCH, &pem).expect("a key")
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
        let key = SigningKey::parse("kid".to_owned(), Timestamp::UNIX_EPOCH, PEM).expect("a key");
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

    #[test]
    fn one_pem_block_is_read_whatever_its_line_ends_and_widths() {
        for length in [1, 47, 48, 49, 138] {
            let pkcs8 = vec![0xa5; length];
            let pem = pem_rfc7468::encode_string(LABEL, LineEnding::LF, &pkcs8).expect("written");
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let one_line = format!("-----BEGIN {LABEL}-----\n{body}\n-----END {LABEL}-----");
            for text in [&pem, &pem.replace('\n', "\r\n"), &format!("\n  {pem} \n"), &one_line] {
                assert_eq!(decode_pem(text).as_deref(), Some(&pkcs8), "{text}");
            }
        }
    }

    #[test]
    fn anything_but_one_pem_block_is_refused() {
        let pem = pem_rfc7468::encode_string(LABEL, LineEnding::LF, &[0xa5; 48]).expect("written");
        for other in [
            String::new(),
            "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----".to_owned(),
            pem.clone() + &pem,
            pem.replace("PRIVATE", "PUBLIC"),
            pem.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            pem.replace("PRIVATE", "EC PRIVATE"),
            pem.replace("-----END PRIVATE KEY-----", ""),
            pem.replacen("pa", "p*", 1),
            format!("# my key\n{pem}"),
        ] {
            assert_eq!(decode_pem(&other).filter(|key| !key.is_empty()), None, "{other}");
        }
    }
}
