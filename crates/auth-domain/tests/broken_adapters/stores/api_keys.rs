//! Faults in API keys.

use async_trait::async_trait;
use auth_domain::model::{ApiKey, ApiKeyId, NewApiKey, Scopes, SecretDigest, Timestamp};
use auth_domain::ports::{ApiKeyRepository, PortError};
use tokio::task::yield_now;

use super::registration::to_milliseconds;
use super::{Fault, FaultyStore, first_half};

#[async_trait]
impl ApiKeyRepository for FaultyStore {
    async fn insert(&self, new: &NewApiKey) -> Result<(), PortError> {
        let _call = self.begin().await?;
        let mut new = new.clone();
        match self.fault {
            Fault::DropsExpiries => new.key.expires_at = None,
            Fault::DropsScopes => new.key.scopes = Scopes::default(),
            Fault::TruncatesKeyTimes => new.key.expires_at = new.key.expires_at.map(to_milliseconds),
            Fault::OverwritesKeysWithTheSameId => {
                let _ = self.inner.insert(&new).await;
                return Ok(());
            }
            _ => {}
        }
        self.log().keys.push(new.clone());
        self.inner.insert(&new).await
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        let _call = self.begin().await?;
        let known =
            self.log().keys.iter().find(|known| first_half(&known.digest) == first_half(digest)).cloned();
        let found = match known {
            Some(known) if self.is(Fault::TruncatesKeyDigests) => {
                ApiKeyRepository::find(&*self.inner, &known.digest).await?
            }
            _ => ApiKeyRepository::find(&*self.inner, digest).await?,
        };
        let found =
            found.map(|key| ApiKey { last_used_at: self.last_use(key.id).or(key.last_used_at), ..key });
        Ok(found.filter(|key| !self.is(Fault::HidesRevokedKeys) || key.revoked_at.is_none()))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        let _call = self.begin().await?;
        let mut keys = ApiKeyRepository::list(&*self.inner).await?;
        if self.is(Fault::ListsKeysNewestFirst) {
            keys.reverse();
        }
        Ok(keys)
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        let _call = self.begin().await?;
        let is_live = self.is_live(key).await?;
        match self.fault {
            Fault::RevokesTwice => {
                self.inner.revoke(key, now).await?;
                Ok(true)
            }
            Fault::RevokesEveryKey => {
                for other in ApiKeyRepository::list(&*self.inner).await? {
                    self.inner.revoke(other.id, now).await?;
                }
                Ok(is_live)
            }
            Fault::ChecksRevocationsBeforeItWrites => {
                yield_now().await;
                self.inner.revoke(key, now).await?;
                Ok(is_live)
            }
            _ => self.inner.revoke(key, now).await,
        }
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        let _call = self.begin().await?;
        match self.fault {
            Fault::KeepsTheLastReportedUse => self.log().last_uses.push((key, now)),
            Fault::ReadsUsesBeforeItWrites => {
                let before = self.last_use(key);
                yield_now().await;
                self.log().last_uses.push((key, before.max(Some(now)).unwrap_or(now)));
            }
            Fault::MarksEveryKey => {
                for other in ApiKeyRepository::list(&*self.inner).await? {
                    self.inner.mark_used(other.id, now).await?;
                }
            }
            Fault::IgnoresUseOfRevokedKeys if !self.is_live(key).await? => return Ok(()),
            _ => {}
        }
        self.inner.mark_used(key, now).await
    }
}

impl FaultyStore {
    async fn is_live(&self, key: ApiKeyId) -> Result<bool, PortError> {
        let keys = ApiKeyRepository::list(&*self.inner).await?;
        Ok(keys.iter().any(|known| known.id == key && known.revoked_at.is_none()))
    }

    fn last_use(&self, key: ApiKeyId) -> Option<Timestamp> {
        self.log().last_uses.iter().rev().find(|(used, _)| *used == key).map(|(_, at)| *at)
    }
}
