//! Secrets that are issued once and stored as digests only.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::SecureRandom;

const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// A SHA-256 digest, the only stored form of a secret.
///
/// A secret has 256 random bits, so neither a salt nor a slow hash is needed to prevent guessing. Comparison takes
/// constant time.
#[derive(Clone, Copy, Eq)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Computes the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps a stored digest.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the digest, for a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for SecretDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest([REDACTED])")
    }
}

/// The purpose of a secret, which determines the prefix of its text.
pub trait Purpose: Send + Sync + 'static {
    /// The prefix, by which scanners recognise leaked secrets.
    const PREFIX: &'static str;
}

/// Refreshes a session.
#[derive(Debug)]
pub struct RefreshPurpose;

impl Purpose for RefreshPurpose {
    const PREFIX: &'static str = "ref_";
}

/// Authenticates a trusted program.
#[derive(Debug)]
pub struct ApiKeyPurpose;

impl Purpose for ApiKeyPurpose {
    const PREFIX: &'static str = "key_";
}

/// A secret of 256 random bits that is issued once.
///
/// Its text is a prefix and 48 characters: base64url of the secret and a checksum. The checksum is the first four bytes
/// of the SHA-256 digest of prefix and secret. It lets a scanner distinguish a leaked secret from random text.
///
/// `Debug` redacts it, and its memory is cleared on drop.
pub struct Secret<P: Purpose> {
    bytes: Zeroizing<[u8; SECRET_BYTES]>,
    purpose: PhantomData<P>,
}

/// The opaque token that refreshes a session: `ref_` and 48 characters.
pub type RefreshSecret = Secret<RefreshPurpose>;
/// The key with which a trusted program authenticates: `key_` and 48 characters.
pub type ApiKeySecret = Secret<ApiKeyPurpose>;

impl<P: Purpose> Secret<P> {
    /// Generates a random secret.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    pub(crate) fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self { bytes: Zeroizing::new(bytes), purpose: PhantomData }
    }

    /// Parses the text of a secret. `None` when the text is invalid or has another purpose.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(P::PREFIX)?;
        let mut decoded = Zeroizing::new([0; SECRET_BYTES + CHECKSUM_BYTES + 3]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, decoded.as_mut()).ok()?;
        let (secret, checksum) = decoded.get(..length)?.split_first_chunk::<SECRET_BYTES>()?;
        let secret = Self::from_bytes(*secret);
        (checksum == secret.checksum()).then_some(secret)
    }

    /// Returns the text of the secret, to be sent to its owner only.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES + CHECKSUM_BYTES]);
        bytes[..SECRET_BYTES].copy_from_slice(self.bytes.as_ref());
        bytes[SECRET_BYTES..].copy_from_slice(&self.checksum());
        let mut text = Zeroizing::new(String::with_capacity(P::PREFIX.len() + 48));
        text.push_str(P::PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_ref(), &mut text);
        text
    }

    /// Returns the digest of the secret, for a store.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.bytes.as_ref())
    }

    pub(crate) fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.bytes
    }

    fn checksum(&self) -> [u8; CHECKSUM_BYTES] {
        let digest = Sha256::new().chain_update(P::PREFIX).chain_update(self.bytes.as_ref()).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl<P: Purpose> fmt::Debug for Secret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[REDACTED]", P::PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 32] = [7; 32];

    #[test]
    fn a_secret_round_trips() {
        let text = RefreshSecret::from_bytes(BYTES).expose();
        assert!(text.starts_with("ref_"));
        assert_eq!(text.len(), 52);
        assert_eq!(RefreshSecret::parse(&text).expect("a secret").bytes(), &BYTES);
    }

    #[test]
    fn a_secret_is_valid_for_its_own_purpose_only() {
        let text = RefreshSecret::from_bytes(BYTES).expose();
        assert!(ApiKeySecret::parse(&text).is_none());
        assert!(ApiKeySecret::parse(&text.replace("ref_", "key_")).is_none());
    }

    #[test]
    fn a_mistyped_secret_is_rejected() {
        let text = RefreshSecret::from_bytes(BYTES).expose();
        for index in 0..text.len() {
            let mut mistyped = text.to_string();
            let replacement = if &mistyped[index..=index] == "A" { "B" } else { "A" };
            mistyped.replace_range(index..=index, replacement);
            assert!(RefreshSecret::parse(&mistyped).is_none(), "character {index}");
        }
        for other in ["", "ref_", &text[..51], &format!("{}A", *text), &format!("{}=", *text)] {
            assert!(RefreshSecret::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn debug_redacts_a_secret() {
        let secret = RefreshSecret::from_bytes(BYTES);
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "ref_[REDACTED] SecretDigest([REDACTED])");
    }
}
