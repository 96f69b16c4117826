//! The port to signed access tokens.

use super::PortError;
use crate::model::{AccessClaims, AccessToken};

/// Signs access tokens and verifies them.
///
/// - MUST verify what it signed, to the same claims, for as long as it keeps the key.
/// - MUST refuse every token with another signature, algorithm, type, issuer or audience than its own.
/// - MUST NOT judge expiry: the domain does, with its own clock.
/// - MUST sign equal claims to a token with the same `jti`, `iat` and `exp`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AccessTokenCodec: Send + Sync {
    /// Signs a token that says `claims`.
    ///
    /// # Errors
    /// When there is no key to sign with.
    fn sign(&self, claims: &AccessClaims) -> Result<AccessToken, PortError>;

    /// What a token says; `None` when it is not one that this codec signed.
    fn verify(&self, token: &str) -> Option<AccessClaims>;
}
