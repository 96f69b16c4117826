//! The port to password hashing.
#![cfg_attr(
    any(test, feature = "mocks"),
    expect(clippy::ref_option_ref, reason = "mockall matches by reference")
)]

use async_trait::async_trait;
use thiserror::Error;

use super::PortError;
use crate::model::{Password, PasswordAttempt, PasswordHash};

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The password matches, and the hash is as strong as a new one.
    Matches,
    /// The password matches, but a new hash would be stronger: by its parameters or its algorithm.
    MatchesOutdated,
    /// The password does not match.
    Differs,
}

/// A hash from another program cannot be imported. The error texts follow the words "the hash".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidHash {
    /// The format of the hash is not supported.
    #[error("has an unsupported format; see docs/importing.md")]
    Unsupported,
    /// A verification would exceed the limits of time or memory.
    #[error("exceeds the cost limit of a verification")]
    TooCostly,
}

/// Hashes passwords with a deliberately slow function.
///
/// - MUST match a hash that it made with the password it was made from, and with no other.
/// - MUST give two hashes of one password different salts.
/// - MUST do the work of one verification and return [`PasswordVerdict::Differs`] when `stored` is `None`. The response
///   time MUST NOT reveal whether the user exists.
/// - MUST accept hashes that it made itself. It MUST reject those that it would never verify, without the work of a
///   verification.
/// - MUST return [`PortError::Overloaded`] instead of queueing without bound.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when the queue is full.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PortError>;

    /// Checks whether [`verify`](Self::verify) can read a hash that another program made.
    ///
    /// # Errors
    /// [`InvalidHash`] when `verify` would return [`PortError::Corrupt`].
    fn accept(&self, hash: &PasswordHash) -> Result<(), InvalidHash>;

    /// Compares a password attempt with a hash. `None` is the hash of a user who does not exist.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when the queue is full, [`PortError::Corrupt`] when `stored` has an unsupported format
    /// or exceeds the limits.
    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
    ) -> Result<PasswordVerdict, PortError>;
}
