//! Errors of reading and computing password hashes.

use std::collections::TryReserveError;

use argon2::password_hash::{self, phc};
use thiserror::Error;

/// A stored text is not a supported hash, or its verification would cost too much. The message does not quote the text,
/// because it may be a hash all the same.
#[derive(Debug, Error)]
pub(super) enum ParseHashError {
    #[error("the stored password hash is not a valid PHC string: {0}")]
    Format(phc::Error),
    #[error("the stored password hash is not a valid Argon2 hash: {0}")]
    Parameters(password_hash::Error),
    #[error("the stored password hash is not a valid {0} hash")]
    Malformed(&'static str),
    #[error("the stored password hash is {0}")]
    Named(&'static str),
    #[error("the format of the stored password hash is not known")]
    Unknown,
    #[error("the stored password hash has no salt or no tag")]
    Incomplete,
    #[error("the stored password hash is too costly to verify: {0}")]
    TooCostly(String),
}

#[derive(Debug, Error)]
pub(super) enum HashingError {
    #[error("not enough memory to hash a password: {0}")]
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
    #[error("AES cannot encrypt")]
    Cipher,
}
