//! The port to signed access tokens.

use super::PortError;
use crate::model::{AccessClaims, IssuedToken};

/// Signs and verifies access tokens.
///
/// - MUST verify its own tokens, to the same claims, for as long as it keeps the key.
/// - MUST reject every token with another signature, algorithm, type, issuer or audience than its own.
/// - MUST NOT check expiry. The domain checks it with its own clock.
/// - MUST sign equal claims to a token with the same `jti`, `iat` and `exp`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AccessTokenCodec: Send + Sync {
    /// Signs a token with these claims.
    ///
    /// # Errors
    /// [`PortError`] when no signing key is available.
    fn sign(&self, claims: &AccessClaims) -> Result<IssuedToken, PortError>;

    /// Returns the claims of a token. `None` when this codec did not sign it.
    fn verify(&self, token: &str) -> Option<AccessClaims>;
}
