//! Stored hashes of all supported formats.

use argon2::Params;

use super::argon2_hash::Argon2Hash;
use super::bcrypt_hash::BcryptHash;
use super::error::{HashingError, ParseHashError};
use super::memory::Memory;
use super::pbkdf2_hash::Pbkdf2Hash;
use super::scrypt_hash::ScryptHash;

/// A stored hash: one of this adapter's own, or an imported one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StoredHash {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Scrypt(ScryptHash),
    Pbkdf2(Pbkdf2Hash),
}

impl StoredHash {
    /// Reads a stored hash. Only this function decides which format a text has.
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

    /// Whether this is the hash of `password`. The comparison takes constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> Result<bool, HashingError> {
        match self {
            Self::Argon2(hash) => hash.matches(password, memory),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password, memory),
            Self::Pbkdf2(hash) => Ok(hash.matches(password)),
        }
    }

    /// Whether its verification takes as long as a new hash with the `current` parameters.
    pub(super) fn has_cost_of(&self, current: &Params) -> bool {
        matches!(self, Self::Argon2(hash) if hash.has_cost_of(current))
    }

    /// Whether a new hash with the `current` parameters would be stronger.
    pub(super) fn is_weaker_than(&self, current: &Params) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_weaker_than(current),
            // Of the supported formats only Argon2id costs an attacker with special hardware as much as it costs a server.
            Self::Bcrypt(_) | Self::Scrypt(_) | Self::Pbkdf2(_) => true,
        }
    }
}
