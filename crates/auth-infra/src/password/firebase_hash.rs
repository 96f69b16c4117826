//! Hashes of Firebase Authentication: scrypt derives a key, with which AES-256 in counter mode encrypts the signer key of
//! the project (<https://github.com/firebase/scrypt>).

use std::fmt;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::encoding::{any_base64, number, parameters};
use super::error::{HashingError, ParseHashError};
use super::memory::Memory;
use super::params::MIN_SALT_BYTES;
use super::scrypt_hash::ScryptParams;

const SIGNER_KEY_BYTES: usize = 64;

/// A hash together with the parameters of its project, which Firebase shows next to the export.
#[derive(Clone, PartialEq)]
pub(super) struct FirebaseHash {
    pub(super) params: ScryptParams,
    /// The salt of the user, followed by the salt separator of the project.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    /// The encrypted signer key.
    tag: Vec<u8>,
}

impl FirebaseHash {
    /// Reads the rest of `$fbscrypt$v=1,n=14,r=8,p=1,ss=separator,sk=signer key$salt$tag`, as Supabase writes it. `n` is
    /// the memory cost and `r` the rounds of the project.
    pub(super) fn parse_supabase(rest: &str) -> Result<Self, ParseHashError> {
        let [params, salt, tag] = split(rest)?;
        let names = ["v", "n", "r", "p", "ss", "sk"];
        let [version, n, r, p, separator, signer_key] = parameters(params, names).ok_or_else(malformed)?;
        if version != "1" {
            return Err(malformed());
        }
        Self::new([&n, &r, &p], [salt, &separator, &signer_key, tag])
    }

    /// Reads the rest of `$firescrypt$ln=14,r=8,p=1$salt$tag$separator$signer key`, as Ory Kratos writes it.
    pub(super) fn parse_kratos(rest: &str) -> Result<Self, ParseHashError> {
        let [params, salt, tag, separator, signer_key] = split(rest)?;
        let [ln, r, p] = parameters(params, ["ln", "r", "p"]).ok_or_else(malformed)?;
        Self::new([&ln, &r, &p], [salt, separator, signer_key, tag])
    }

    fn new(numbers: [&str; 3], encoded: [&str; 4]) -> Result<Self, ParseHashError> {
        let [Some(log_n), Some(r), Some(p)] = numbers.map(number) else { return Err(malformed()) };
        let [Some(mut salt), Some(separator), Some(signer_key), Some(tag)] = encoded.map(any_base64) else {
            return Err(malformed());
        };
        if salt.len() < MIN_SALT_BYTES
            || signer_key.len() != SIGNER_KEY_BYTES
            || tag.len() != SIGNER_KEY_BYTES
        {
            return Err(malformed());
        }
        salt.extend(separator);
        Ok(Self { params: ScryptParams::new(log_n, r, p)?, salt, signer_key, tag })
    }

    /// Whether this is the hash of `password`. The comparison takes constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &Memory) -> Result<bool, HashingError> {
        let mut key = Zeroizing::new([0; 32]);
        self.params.compute(password, &self.salt, &mut *key, memory)?;
        // The counter starts at zero, as in Firebase. The key is different for each password and salt.
        let context = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        let mut encrypted = self.signer_key.clone();
        let key = UnboundCipherKey::new(&AES_256, &*key).map_err(|_| HashingError::Cipher)?;
        let key = EncryptingKey::ctr(key).map_err(|_| HashingError::Cipher)?;
        key.less_safe_encrypt(&mut encrypted, context).map_err(|_| HashingError::Cipher)?;
        Ok(verify_slices_are_equal(&encrypted, &self.tag).is_ok())
    }
}

/// Redacts the signer key, which all hashes of a project share.
impl fmt::Debug for FirebaseHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirebaseHash").field("params", &self.params).finish_non_exhaustive()
    }
}

fn split<const N: usize>(text: &str) -> Result<[&str; N], ParseHashError> {
    text.split('$').collect::<Vec<_>>().try_into().map_err(|_| malformed())
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("Firebase scrypt")
}
