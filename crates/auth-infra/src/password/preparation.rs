//! What other programs do to a password before they hash it.

use aws_lc_rs::digest::{self, SHA256, SHA512};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::bcrypt_hash::MAX_PASSWORD_BYTES;

/// How a password becomes the input of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Preparation {
    None,
    /// Normalisation form KC: Better Auth and Lucia.
    CompatibilityForm,
    /// Without white space at the ends: `WordPress` before 6.8, which trims at every login.
    Trimmed,
    /// The hexadecimal digits of SHA-256: Django's `bcrypt_sha256`.
    Sha256Hex,
    /// Base64 of SHA-256: the first version of passlib's `bcrypt-sha256`.
    Sha256Base64,
    /// Base64 of HMAC-SHA-256 with the salt of the hash as the key: its second version.
    HmacSha256 {
        salt: String,
    },
    /// Base64 of HMAC-SHA-384 of the trimmed password: `WordPress` since 6.8.
    WordPress,
    /// Base64 of SHA-512, cut for bcrypt: Symfony, for passwords that bcrypt does not hash as a whole.
    SymfonyLong,
}

/// The input of an algorithm, and the part of the password that it depends on.
pub(super) struct Prepared {
    /// The password without what the other program drops.
    pub(super) read: Zeroizing<Vec<u8>>,
    pub(super) input: Zeroizing<Vec<u8>>,
}

impl Preparation {
    /// Prepares `password`; `None` if the other program would not prepare this password in this way.
    pub(super) fn apply(&self, password: &[u8]) -> Option<Prepared> {
        let read = match self {
            Self::CompatibilityForm => str::from_utf8(password).ok()?.nfkc().collect::<String>().into_bytes(),
            Self::Trimmed | Self::WordPress => trim(password).to_vec(),
            Self::SymfonyLong if password.len() <= MAX_PASSWORD_BYTES && !password.contains(&0) => {
                return None;
            }
            _ => password.to_vec(),
        };
        let read = Zeroizing::new(read);
        let input = Zeroizing::new(self.digest(&read));
        Some(Prepared { read, input })
    }

    /// Whether the input of the algorithm is a digest of the password.
    pub(super) fn is_digest(&self) -> bool {
        !matches!(self, Self::None | Self::CompatibilityForm | Self::Trimmed)
    }

    /// The input of the algorithm.
    fn digest(&self, read: &[u8]) -> Vec<u8> {
        match self {
            Self::None | Self::CompatibilityForm | Self::Trimmed => read.to_vec(),
            Self::Sha256Hex => {
                let digest = digest::digest(&SHA256, read);
                digest.as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
            }
            Self::Sha256Base64 => STANDARD.encode(digest::digest(&SHA256, read)).into_bytes(),
            Self::HmacSha256 { salt } => {
                let key = hmac::Key::new(HMAC_SHA256, salt.as_bytes());
                STANDARD.encode(hmac::sign(&key, read)).into_bytes()
            }
            Self::WordPress => {
                let key = hmac::Key::new(HMAC_SHA384, b"wp-sha384");
                STANDARD.encode(hmac::sign(&key, read)).into_bytes()
            }
            Self::SymfonyLong => {
                let mut digest = STANDARD.encode(digest::digest(&SHA512, read)).into_bytes();
                digest.truncate(MAX_PASSWORD_BYTES);
                digest
            }
        }
    }
}

/// Removes what PHP's `trim` removes.
fn trim(password: &[u8]) -> &[u8] {
    let is_kept = |byte: &u8| !b" \t\n\r\0\x0b".contains(byte);
    let start = password.iter().position(is_kept).unwrap_or(password.len());
    let end = password.iter().rposition(is_kept).map_or(start, |last| last + 1);
    &password[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trim_removes_what_php_removes() {
        for (typed, trimmed) in [
            (&b" \t\n\r\0\x0ba b\0 "[..], &b"a b"[..]),
            (b"", b""),
            (b" ", b""),
            (b"\xc2\xa0a", b"\xc2\xa0a"),
            (b"\x0ca", b"\x0ca"),
        ] {
            assert_eq!(trim(typed), trimmed);
        }
    }

    #[test]
    fn only_passwords_that_bcrypt_would_cut_are_hashed_by_symfony() {
        let long = [b'a'; 73];
        assert!(Preparation::SymfonyLong.apply(&long[..72]).is_none());
        assert!(Preparation::SymfonyLong.apply(b"a\0b").is_some());
        assert_eq!(Preparation::SymfonyLong.apply(&long).map(|prepared| prepared.input.len()), Some(72));
    }
}
