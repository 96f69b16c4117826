//! Secrets that are issued once and stored as digests only.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::SecureRandom;

const CHECKSUM_BYTES: usize = 4;
/// The longest secret and its checksum, and what the base64 decoder needs in addition.
const DECODED_BYTES: usize = 48 + CHECKSUM_BYTES + 3;

/// A SHA-256 digest, the only stored form of a secret.
///
/// A secret has at least 122 random bits, so neither a salt nor a slow hash is needed to prevent guessing. Comparison takes
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

/// A secret of `N` random bytes that is issued once.
///
/// Its text is a prefix and base64url of the secret and a checksum. The checksum is the first four bytes of the SHA-256
/// digest of prefix and secret. It lets a scanner distinguish a leaked secret from random text.
///
/// `Debug` redacts it, and its memory is cleared on drop.
pub struct Secret<P: Purpose, const N: usize> {
    bytes: Zeroizing<[u8; N]>,
    purpose: PhantomData<P>,
}

/// The key with which a trusted program authenticates: `key_` and 48 characters for 32 bytes.
pub type ApiKeySecret = Secret<ApiKeyPurpose, 32>;

/// The opaque token that refreshes a session: `ref_` and 70 characters for 48 bytes.
///
/// The first 16 bytes are the token family: all refresh tokens of a session share them. The other 32 bytes are the
/// credential, which each rotation replaces.
pub type RefreshSecret = Secret<RefreshPurpose, 48>;

impl<P: Purpose, const N: usize> Secret<P, N> {
    /// Generates a random secret.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; N];
        random.fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    pub(crate) fn from_bytes(bytes: [u8; N]) -> Self {
        Self { bytes: Zeroizing::new(bytes), purpose: PhantomData }
    }

    /// Parses the text of a secret. `None` when the text is invalid or has another purpose.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(P::PREFIX)?;
        let mut decoded = Zeroizing::new([0; DECODED_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, decoded.as_mut()).ok()?;
        let (secret, checksum) = decoded.get(..length)?.split_first_chunk::<N>()?;
        let secret = Self::from_bytes(*secret);
        (checksum == secret.checksum()).then_some(secret)
    }

    /// Returns the text of the secret, to be sent to its owner only.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; DECODED_BYTES]);
        bytes[..N].copy_from_slice(self.bytes.as_ref());
        bytes[N..N + CHECKSUM_BYTES].copy_from_slice(&self.checksum());
        let mut text = Zeroizing::new(String::with_capacity(P::PREFIX.len() + DECODED_BYTES * 4 / 3));
        text.push_str(P::PREFIX);
        URL_SAFE_NO_PAD.encode_string(&bytes[..N + CHECKSUM_BYTES], &mut text);
        text
    }

    /// Returns the digest of the whole secret, for a store.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.bytes.as_ref())
    }

    fn checksum(&self) -> [u8; CHECKSUM_BYTES] {
        let digest = Sha256::new().chain_update(P::PREFIX).chain_update(self.bytes.as_ref()).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl RefreshSecret {
    /// Joins the two parts of a refresh token.
    pub(crate) fn from_parts(family: &[u8; 16], credential: &[u8; 32]) -> Self {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(family);
        bytes[16..].copy_from_slice(credential);
        Self::from_bytes(bytes)
    }

    /// Returns the token family and the credential.
    pub(crate) fn parts(&self) -> ([u8; 16], Zeroizing<[u8; 32]>) {
        let (mut family, mut credential) = ([0; 16], Zeroizing::new([0; 32]));
        family.copy_from_slice(&self.bytes[..16]);
        credential.copy_from_slice(&self.bytes[16..]);
        (family, credential)
    }
}

impl<P: Purpose, const N: usize> fmt::Debug for Secret<P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[REDACTED]", P::PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refresh_secret() -> RefreshSecret {
        RefreshSecret::from_parts(&[6; 16], &[7; 32])
    }

    #[test]
    fn a_secret_round_trips() {
        let text = ApiKeySecret::from_bytes([7; 32]).expose();
        assert_eq!((text.len(), &text[..4]), (52, "key_"));
        assert_eq!(ApiKeySecret::parse(&text).expect("a secret").bytes.as_ref(), &[7; 32]);
    }

    #[test]
    fn a_refresh_secret_round_trips_in_two_parts() {
        let text = refresh_secret().expose();
        assert_eq!((text.len(), &text[..4]), (74, "ref_"));
        let parsed = RefreshSecret::parse(&text).expect("a secret");
        assert_eq!(parsed.parts(), ([6; 16], Zeroizing::new([7; 32])));
    }

    #[test]
    fn a_secret_is_valid_for_its_own_purpose_only() {
        let text = ApiKeySecret::from_bytes([7; 32]).expose();
        for other in [text.to_string(), text.replace("key_", "ref_")] {
            assert!(RefreshSecret::parse(&other).is_none());
            assert!(Secret::<RefreshPurpose, 32>::parse(&other).is_none());
        }
    }

    #[test]
    fn a_mistyped_secret_is_rejected() {
        let text = refresh_secret().expose();
        for index in 0..text.len() {
            let mut mistyped = text.to_string();
            let replacement = if &mistyped[index..=index] == "A" { "B" } else { "A" };
            mistyped.replace_range(index..=index, replacement);
            assert!(RefreshSecret::parse(&mistyped).is_none(), "character {index}");
        }
        for other in ["", "ref_", &text[..73], &format!("{}A", *text), &format!("{}=", *text)] {
            assert!(RefreshSecret::parse(other).is_none(), "{other}");
        }
        assert!(RefreshSecret::parse(&format!("ref_{}", "A".repeat(1_000))).is_none());
    }

    #[test]
    fn debug_redacts_a_secret() {
        let secret = refresh_secret();
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "ref_[REDACTED] SecretDigest([REDACTED])");
    }
}
