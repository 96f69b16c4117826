//! API keys as records.

use async_trait::async_trait;

use super::RecordStore;
use super::key_value_store::{KeyValueStore, Table, WriteTransaction};
use super::rows::{Record, api_key_key, corrupt, find, get, insert, keys_from, replace};
use crate::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};
use crate::ports::{ApiKeyRepository, PortError};

#[async_trait]
impl<S: KeyValueStore + 'static> ApiKeyRepository for RecordStore<S> {
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError> {
        let new = key.clone();
        let inserted = self.write(move |tx| {
            if tx.get(Table::ApiKeys, &Record::key(&new))?.is_some()
                || tx.get(Table::ApiKeyDigests, new.digest.as_bytes())?.is_some()
            {
                return Err(corrupt("an API key with this id or secret exists"));
            }
            insert(tx, &new)
        });
        inserted.await
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        let digest = *digest;
        let found = self.read(move |tx| find::<NewApiKey>(tx, Table::ApiKeyDigests, digest.as_bytes()));
        Ok(found.await?.map(|known| known.key))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        let listed = self.read(|tx| {
            let mut keys = Vec::new();
            for key in keys_from(tx, Table::ApiKeys, &[])? {
                keys.extend(get::<NewApiKey>(tx, &key)?.map(|known| known.key));
            }
            keys.sort_by_key(|key| (key.created_at, key.id));
            Ok(keys)
        });
        listed.await
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        let revoked = self.write(move |tx| {
            let is_live = |key: &ApiKey| key.revoked_at.is_none();
            change(tx, key, is_live, |key| key.revoked_at = Some(now))
        });
        revoked.await
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        let marked = self.write(move |tx| {
            let is_older = |key: &ApiKey| key.last_used_at < Some(now);
            change(tx, key, is_older, |key| key.last_used_at = Some(now))
        });
        marked.await.map(drop)
    }
}

/// Changes a key if `condition` holds, and returns whether it did.
fn change(
    tx: &mut dyn WriteTransaction,
    key: ApiKeyId,
    condition: impl Fn(&ApiKey) -> bool,
    change: impl Fn(&mut ApiKey),
) -> Result<bool, PortError> {
    let known = get::<NewApiKey>(tx, &api_key_key(key))?;
    let Some(old) = known.filter(|known| condition(&known.key)) else { return Ok(false) };
    let mut new = old.clone();
    change(&mut new.key);
    replace(tx, &old, &new)?;
    Ok(true)
}
