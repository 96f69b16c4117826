//! The port to stored API keys.

use async_trait::async_trait;

use super::PortError;
use crate::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};

/// Stores API keys.
///
/// - MUST return every member of a key as it was stored.
/// - MUST find a key, live or not, by the digest of its secret and by nothing else.
/// - MUST list every key, oldest first.
/// - MUST return [`PortError::Corrupt`], and change nothing, when the id or the digest of a new key is taken.
/// - MUST keep a revoked key revoked, with the time of the first revocation. Only that call returns `true`.
/// - MUST keep the latest time of use.
/// - MUST change no other key, and no other member of a key, when it revokes or marks one. This holds for concurrent calls as
///   well.
/// - MUST store a change durably before the call returns: a program that is started again reads it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait ApiKeyRepository: Send + Sync {
    /// Stores a new key.
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError>;

    /// Returns the key with this digest.
    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError>;

    /// Returns all keys, oldest first.
    async fn list(&self) -> Result<Vec<ApiKey>, PortError>;

    /// Revokes a key. Returns `false` when there is no such key or it was revoked before.
    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError>;

    /// Records the time of use.
    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError>;
}
