//! The port to signed tokens.

use super::PortError;
use crate::model::{AccessClaims, IssuedToken, RefreshClaims};

/// Signs and verifies access tokens and signed refresh tokens.
///
/// - MUST verify its own tokens, to the same claims, for as long as it keeps the key. That includes every
///   [extra claim](crate::model::ExtraClaims), with the type and the order of its values.
/// - MUST reject every token with another signature, algorithm, type, issuer or audience than its own.
/// - MUST NOT verify a refresh token as an access token, or the other way round.
/// - MUST NOT check expiry. The domain checks it with its own clock.
/// - MUST sign equal claims to a token with the same `jti`, `iat` and `exp`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AccessTokenCodec: Send + Sync {
    /// Signs an access token with these claims.
    ///
    /// # Errors
    /// [`PortError`] when no signing key is available.
    fn sign(&self, claims: &AccessClaims) -> Result<IssuedToken, PortError>;

    /// Returns the claims of an access token. `None` when this codec did not sign it.
    fn verify(&self, token: &str) -> Option<AccessClaims>;

    /// Signs a refresh token with these claims.
    ///
    /// # Errors
    /// [`PortError`] when no signing key is available.
    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<IssuedToken, PortError>;

    /// Returns the claims of a refresh token. `None` when this codec did not sign it.
    fn verify_refresh(&self, token: &str) -> Option<RefreshClaims>;
}
