//! API keys in memory.

use async_trait::async_trait;

use super::{MemoryStore, corrupt};
use crate::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};
use crate::ports::{ApiKeyRepository, PortError};

#[async_trait]
impl ApiKeyRepository for MemoryStore {
    async fn insert(&self, new: &NewApiKey) -> Result<(), PortError> {
        let mut state = self.state()?;
        if state.api_keys.iter().any(|known| known.key.id == new.key.id || known.digest == new.digest) {
            return Err(corrupt("an API key with this id or secret exists"));
        }
        state.api_keys.push(new.clone());
        Ok(())
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        let state = self.state()?;
        Ok(state.api_keys.iter().find(|known| known.digest == *digest).map(|known| known.key.clone()))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        let mut keys: Vec<_> = self.state()?.api_keys.iter().map(|known| known.key.clone()).collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        let mut state = self.state()?;
        let key = state.api_keys.iter_mut().map(|known| &mut known.key).find(|known| known.id == key);
        match key {
            Some(key) if key.revoked_at.is_none() => {
                key.revoked_at = Some(now);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        let mut state = self.state()?;
        if let Some(key) = state.api_keys.iter_mut().map(|known| &mut known.key).find(|known| known.id == key)
        {
            key.last_used_at = key.last_used_at.max(Some(now));
        }
        Ok(())
    }
}
