//! The port to password hashing.
#![cfg_attr(
    any(test, feature = "mocks"),
    expect(clippy::ref_option_ref, reason = "mockall matches by reference")
)]

use async_trait::async_trait;
use thiserror::Error;

use super::PortError;
use crate::model::{CounterKey, Password, PasswordAttempt, PasswordHash};

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The password matches, and the hash is kept.
    Matches,
    /// The password matches, the hash covers all of it, and a new hash would be better: stronger, or of normalisation
    /// form C. A hash that covers only a part of the password never gives this verdict. A new hash would bind the user
    /// to characters that were never compared.
    MatchesOutdated,
    /// The password does not match.
    Differs,
}

/// A hash from another program cannot be imported. The error texts follow the words "the hash".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidHash {
    /// The format of the hash is not known.
    #[error("has an unsupported format; see docs/importing.md")]
    Unsupported,
    /// The format of the hash is known and not supported. The text names it.
    #[error("is {0}, which is not supported; see docs/importing.md")]
    Named(&'static str),
    /// The hash has the marks of this format and cannot be read.
    #[error("is not a valid hash of {0}; see docs/importing.md")]
    Malformed(&'static str),
    /// A verification would exceed the limits of time or memory. The text names the cost and the limit.
    #[error("costs too much to verify: {0}")]
    TooCostly(String),
}

/// How well a hash from another program protects its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashStrength {
    /// At least as strong as the OWASP Password Storage Cheat Sheet asks for.
    Strong,
    /// Weaker. The text follows the words "the hash" and contains no part of the hash.
    Weak(String),
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
    /// Hashes a new password. Callers share the queue: those of the same `caller` count as one.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when the queue is full.
    async fn hash(&self, password: &Password, caller: Option<CounterKey>) -> Result<PasswordHash, PortError>;

    /// Checks whether [`verify`](Self::verify) can read a hash that another program made, and at a bearable cost.
    ///
    /// # Errors
    /// [`InvalidHash`] when `verify` would return [`PortError::Corrupt`] or take too long on this machine.
    fn accept(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash>;

    /// Returns the work of one verification of `stored` as a multiple of the work of a new hash, rounded up; at least 1.
    /// It depends on the parameters only, so every node computes the same.
    fn weight(&self, stored: &PasswordHash) -> u32;

    /// Compares a password attempt with a hash. `None` is the hash of a user who does not exist. Callers share the queue
    /// as in [`hash`](Self::hash).
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when the queue is full, [`PortError::Corrupt`] when `stored` has an unsupported format
    /// or exceeds the limits.
    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
        caller: Option<CounterKey>,
    ) -> Result<PasswordVerdict, PortError>;
}
