//! Secrets that are handed out once and kept only as digests.

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

/// A SHA-256 digest: all that is stored of a secret. The secrets have 256 random bits, so no salt and no slow hash
/// is needed to keep them from being guessed. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps a digest as a store kept it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes, for a store.
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

/// What a secret is for; it gives the secret's text its prefix.
pub trait Purpose: Send + Sync + 'static {
    /// What every such secret begins with, so that scanners for leaked secrets can find it.
    const PREFIX: &'static str;
}

/// For refreshing a session.
#[derive(Debug)]
pub struct RefreshPurpose;

impl Purpose for RefreshPurpose {
    const PREFIX: &'static str = "ref_";
}

/// For calling as a trusted program.
#[derive(Debug)]
pub struct ApiKeyPurpose;

impl Purpose for ApiKeyPurpose {
    const PREFIX: &'static str = "key_";
}

/// 256 random bits that are handed out once.
///
/// As text: a prefix, then base64url of the secret and of a checksum, 48 characters. The checksum, the first four
/// bytes of the SHA-256 digest of prefix and secret, lets a scanner for leaked secrets tell one from chance.
///
/// It cannot be printed, and its memory is cleared when it is dropped.
pub struct Secret<P: Purpose> {
    bytes: Zeroizing<[u8; SECRET_BYTES]>,
    purpose: PhantomData<P>,
}

/// The opaque token that refreshes a session: `ref_` and 48 characters.
pub type RefreshSecret = Secret<RefreshPurpose>;
/// The key a trusted program calls with: `key_` and 48 characters.
pub type ApiKeySecret = Secret<ApiKeyPurpose>;

impl<P: Purpose> Secret<P> {
    /// A new secret.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    pub(crate) fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self { bytes: Zeroizing::new(bytes), purpose: PhantomData }
    }

    /// Reads a secret's text; `None` when it is not one, or is one for another purpose.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(P::PREFIX)?;
        let mut decoded = Zeroizing::new([0; SECRET_BYTES + CHECKSUM_BYTES + 3]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, decoded.as_mut()).ok()?;
        let (secret, checksum) = decoded.get(..length)?.split_first_chunk::<SECRET_BYTES>()?;
        let secret = Self::from_bytes(*secret);
        (checksum == secret.checksum()).then_some(secret)
    }

    /// The secret's text, to be handed to its owner and to nobody else.
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

    /// What a store keeps of the secret.
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
    fn a_secret_is_read_back_as_it_was_handed_out() {
        let text = RefreshSecret::from_bytes(BYTES).expose();
        assert!(text.starts_with("ref_"));
        assert_eq!(text.len(), 52);
        assert_eq!(RefreshSecret::parse(&text).expect("a secret").bytes(), &BYTES);
    }

    #[test]
    fn a_secret_serves_its_own_purpose_only() {
        let text = RefreshSecret::from_bytes(BYTES).expose();
        assert!(ApiKeySecret::parse(&text).is_none());
        assert!(ApiKeySecret::parse(&text.replace("ref_", "key_")).is_none());
    }

    #[test]
    fn a_mistyped_secret_is_none() {
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
    fn nothing_of_a_secret_can_be_printed() {
        let secret = RefreshSecret::from_bytes(BYTES);
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "ref_[REDACTED] SecretDigest([REDACTED])");
    }
}
