//! The port to password hashing.
#![cfg_attr(
    any(test, feature = "mocks"),
    expect(clippy::ref_option_ref, reason = "mockall matches by reference")
)]

use async_trait::async_trait;
use thiserror::Error;

use super::PortError;
use crate::model::{Password, PasswordAttempt, PasswordHash};

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the password, and the hash is as good as a new one.
    Matches,
    /// It is the password, but a new hash would be better: stronger parameters, or another algorithm.
    MatchesOutdated,
    /// It is not the password.
    Differs,
}

/// Why a hash that another program made cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidHash {
    /// It is no hash of a kind that is verified here.
    #[error("is no hash of a kind that is verified here")]
    Unsupported,
    /// It would take more time or memory than a verification may.
    #[error("costs more to verify than a verification may")]
    TooCostly,
}

/// Hashes passwords, slowly and on purpose.
///
/// - MUST match a hash that it made with the password that it made it of, and with no other.
/// - MUST give two hashes of one password different salts.
/// - MUST do the work of one verification, and answer [`PasswordVerdict::Differs`], when `stored` is `None`: so a
///   caller cannot tell by time whether there is such a user.
/// - MUST accept what it made itself, and reject what it would never verify, without the work of a verification.
/// - MUST answer [`PortError::Overloaded`] instead of queueing without bound.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when there is no room in the queue.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PortError>;

    /// Whether a hash that another program made can be kept: whether it is one that [`verify`](Self::verify) reads.
    ///
    /// # Errors
    /// Why it would be [`PortError::Corrupt`] there.
    fn accept(&self, hash: &PasswordHash) -> Result<(), InvalidHash>;

    /// Compares a password with a hash; `None` stands for the hash of a user who does not exist.
    ///
    /// # Errors
    /// [`PortError::Overloaded`] when there is no room in the queue, [`PortError::Corrupt`] when `stored` is no hash
    /// that this hasher reads or may spend its time on.
    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
    ) -> Result<PasswordVerdict, PortError>;
}
