//! The port to the stored API keys.

use async_trait::async_trait;

use super::PortError;
use crate::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};

/// Keeps API keys.
///
/// - MUST give back every member of a key as it was stored.
/// - MUST find a key, live or not, by the digest of its secret and by nothing else.
/// - MUST keep a revoked key revoked: the first time stays.
/// - MUST keep the latest of the times that a key was used.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ApiKeyRepository: Send + Sync {
    /// Stores a new key.
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError>;

    /// The key with this secret.
    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError>;

    /// Every key, oldest first.
    async fn list(&self) -> Result<Vec<ApiKey>, PortError>;

    /// Revokes the key; `false` when there is no such key or it was revoked before.
    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError>;

    /// Notes that the key was used.
    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError>;
}
