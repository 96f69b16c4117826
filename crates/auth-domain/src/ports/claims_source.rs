//! The port to the extra claims of access tokens.

use async_trait::async_trait;

use super::PortError;
use crate::model::{Client, ExtraClaims, InvalidClaimName, InvalidExtraClaims, User};

/// Supplies the extra claims of access tokens: an extension that [`Auth::with_claims_source`](crate::Auth::with_claims_source)
/// adds.
///
/// It is asked at every login, after the password was verified, and at every refresh, before the refresh token is consumed. Without
/// an answer, the login or the refresh fails: no session begins, and the presented refresh token stays valid. It fails with the
/// error of the source, as unavailable after [`ExtensionPolicy::time_limit`](crate::policy::ExtensionPolicy::time_limit), and
/// with an internal error after a panic.
///
/// A refresh that repeats a lost answer asks again. Its token has the `jti`, `iat` and `exp` of the lost one and the claims of the
/// new answer. A token keeps its claims until it expires, so a claim is as old as the token. Every node verifies the tokens of
/// every other one, whatever their sources are.
///
/// ```
/// use async_trait::async_trait;
/// use auth_domain::model::{Client, ClaimName, ExtraClaims, Metadata, User};
/// use auth_domain::ports::{ClaimsSource, PortError};
///
/// /// Adds the tenant, which this program keeps in the metadata of its users.
/// struct TenantClaim;
///
/// #[async_trait]
/// impl ClaimsSource for TenantClaim {
///     async fn extra_claims(&self, user: &User, _client: &Client) -> Result<ExtraClaims, PortError> {
///         match user.metadata.as_ref().map(Metadata::as_str) {
///             Some(tenant) => Ok(ExtraClaims::default().with(ClaimName::parse("tenant")?, tenant)?),
///             None => Ok(ExtraClaims::default()),
///         }
///     }
/// }
/// ```
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ClaimsSource: Send + Sync {
    /// Returns the extra claims of a token that `client` gets for `user`.
    ///
    /// # Errors
    /// [`PortError`] when the claims cannot be determined. No token is issued then.
    async fn extra_claims(&self, user: &User, client: &Client) -> Result<ExtraClaims, PortError>;
}

/// A claim that does not fit into a token is an error of the source.
impl From<InvalidExtraClaims> for PortError {
    fn from(error: InvalidExtraClaims) -> Self {
        Self::Corrupt(error.into())
    }
}

/// A claim that has no valid name is an error of the source.
impl From<InvalidClaimName> for PortError {
    fn from(error: InvalidClaimName) -> Self {
        Self::Corrupt(error.into())
    }
}
