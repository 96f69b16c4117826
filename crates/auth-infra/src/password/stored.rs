//! Hashes as they are stored: which kind each is, and what may be spent on it.

use std::collections::TryReserveError;

use argon2::Params;
use argon2::password_hash::{self, phc};
use thiserror::Error;

use super::argon2_hash::Argon2Hash;
use super::bcrypt_hash::BcryptHash;
use super::memory::Memory;
use super::pbkdf2_hash::Pbkdf2Hash;
use super::scrypt_hash::ScryptHash;

/// The fewest bytes of another program's salt: what PHC strings ask for, and none that is worth its name has fewer.
pub(super) const MIN_SALT_BYTES: usize = 8;
/// The fewest bytes of another program's tag: a shorter one is soon met by chance.
pub(super) const MIN_TAG_BYTES: usize = 16;

/// A stored text that is no hash this adapter reads, or one it must not spend its time on. What the text was is not
/// said: it may be a hash all the same.
#[derive(Debug, Error)]
pub(super) enum ParseHashError {
    #[error("the stored password hash is no PHC string: {0}")]
    Format(phc::Error),
    #[error("the stored password hash is none of Argon2: {0}")]
    Parameters(password_hash::Error),
    #[error("the stored password hash is none of {0}")]
    Malformed(&'static str),
    #[error("the stored password hash has no salt or no tag")]
    Incomplete,
    #[error("the stored password hash is too costly to verify: {0}")]
    TooCostly(String),
}

/// A hash could not be computed.
#[derive(Debug, Error)]
pub(super) enum HashingError {
    #[error("no memory to hash a password in: {0}")]
    NoMemory(#[from] TryReserveError),
    #[error("Argon2: {0}")]
    Argon2(#[from] argon2::Error),
    #[error("Argon2: {0}")]
    Simd(#[from] argon2_rust::Error),
    #[error("the tag: {0}")]
    Tag(phc::Error),
    #[error("bcrypt: {0}")]
    Bcrypt(#[from] bcrypt::BcryptError),
    #[error("scrypt: {0}")]
    Scrypt(#[from] scrypt::errors::InvalidOutputLen),
}

/// A hash that is stored: one of this adapter's own, or one that an import brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoredHash {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Scrypt(ScryptHash),
    Pbkdf2(Pbkdf2Hash),
}

impl StoredHash {
    /// Reads a stored hash. Here and nowhere else it is decided of which kind it is.
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        match stored.split('$').find(|part| !part.is_empty()) {
            Some("2a" | "2b" | "2y") => BcryptHash::parse(stored).map(Self::Bcrypt),
            Some("scrypt") => ScryptHash::parse(stored).map(Self::Scrypt),
            Some("pbkdf2-sha256" | "pbkdf2-sha512" | "pbkdf2_sha256") => {
                Pbkdf2Hash::parse(stored).map(Self::Pbkdf2)
            }
            _ => Argon2Hash::parse(stored).map(Self::Argon2),
        }
    }

    /// Whether this is the hash of `password`, compared in constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> Result<bool, HashingError> {
        match self {
            Self::Argon2(hash) => hash.matches(password, memory),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password, memory),
            Self::Pbkdf2(hash) => Ok(hash.matches(password)),
        }
    }

    /// Whether it takes as long as a new hash with `today`'s parameters.
    pub(super) fn has_cost_of(&self, today: &Params) -> bool {
        matches!(self, Self::Argon2(hash) if hash.has_cost_of(today))
    }

    /// Whether a new hash with `today`'s parameters would be better.
    pub(super) fn is_weaker_than(&self, today: &Params) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_weaker_than(today),
            // Of all that are in use only Argon2id costs a guesser with special hardware as much as it costs us.
            Self::Bcrypt(_) | Self::Scrypt(_) | Self::Pbkdf2(_) => true,
        }
    }
}
