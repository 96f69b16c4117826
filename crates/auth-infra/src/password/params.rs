//! Parameters of hashes.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Params, Version};

use super::error::ParseHashError;

/// The bytes of a new salt (RFC 9106, section 3.1, recommends 16 for password hashing).
pub(super) const SALT_BYTES: usize = 16;
pub(super) const TAG_BYTES: usize = 32;

/// The minimum bytes of an imported salt: the minimum of PHC strings.
pub(super) const MIN_SALT_BYTES: usize = 8;
/// The minimum bytes of an imported tag. A shorter one is soon matched by chance.
pub(super) const MIN_TAG_BYTES: usize = 16;
/// The maximum bytes of an imported tag: the maximum of PHC strings.
pub(super) const MAX_TAG_BYTES: usize = 64;

/// The maximum bytes of a password if each of many rounds hashes the password. Costs are those of such a password.
pub(super) const MAX_REHASHED_BYTES: usize = 128;

/// The input of a tag, except for the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argon2Params {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) cost: Params,
    pub(super) salt: Salt,
}

impl Argon2Params {
    /// For a new hash.
    pub(super) fn new(cost: Params, salt: Salt) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, cost, salt }
    }
}

/// Reads a PHC string with a salt and a tag.
pub(super) fn parse_phc(stored: &str) -> Result<(PasswordHash, Salt, Output), ParseHashError> {
    let hash = PasswordHash::new(stored).map_err(ParseHashError::Format)?;
    match (hash.salt, hash.hash) {
        (Some(salt), Some(tag)) => Ok((hash, salt, tag)),
        _ => Err(ParseHashError::Incomplete),
    }
}
