//! Create an API key for a program that is to be trusted.

use std::time::Duration;

use crate::Auth;
use crate::model::{ApiKey, ApiKeyId, ApiKeyName, ApiKeySecret, AuditAction, NewApiKey, Scopes, uuid_v7};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

/// An API key that is to be.
#[derive(Debug)]
pub struct CreateApiKey {
    /// What its operator calls it.
    pub name: ApiKeyName,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How long it serves; `None`: until it is revoked.
    pub lifetime: Option<Duration>,
}

/// A new API key and its secret, which cannot be had again.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKey,
    /// What the program is to call with.
    pub secret: ApiKeySecret,
}

impl Auth {
    /// Creates an API key.
    ///
    /// # Errors
    /// When a port failed.
    pub async fn create_api_key(&self, command: CreateApiKey) -> Result<CreatedApiKey, PortError> {
        let now = self.ports.clock.now();
        let secret = ApiKeySecret::generate(&*self.ports.random);
        let key = ApiKey {
            id: ApiKeyId(uuid_v7(now, &*self.ports.random)),
            name: command.name,
            scopes: command.scopes,
            created_at: now,
            expires_at: command.lifetime.map(|lifetime| now.plus(lifetime)),
            revoked_at: None,
            last_used_at: None,
        };
        let new = NewApiKey { key, digest: secret.digest() };
        self.ports.api_keys.insert(&new).await?;
        self.audit(AuditEntry::succeeded(AuditAction::ApiKeyCreated).detail(&new.key));
        Ok(CreatedApiKey { key: new.key, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn stores_the_digest_of_the_secret_that_it_hands_out() {
        let handed_out = ApiKeySecret::from_bytes([7; 32]).digest();
        let mut mocks = Mocks::new();
        mocks
            .api_keys
            .expect_insert()
            .once()
            .withf(move |new| {
                new.digest == handed_out && new.key.expires_at == Some(NOW.plus(Duration::from_secs(86_400)))
            })
            .returning(|_| Ok(()));
        let command = CreateApiKey {
            name: ApiKeyName::parse("backend").expect("a name"),
            scopes: Scopes::all(),
            lifetime: Some(Duration::from_secs(86_400)),
        };
        let recorder = mocks.recorder();
        let created = mocks.auth().create_api_key(command).await.expect("created");
        let id = created.key.id;
        assert_eq!(
            recorder.lines(),
            [format!("api_key.created ({id} users:read,users:write,users:roles,auth)")]
        );
        assert_eq!(created.secret.digest(), handed_out);
        assert_eq!(created.key.name.as_str(), "backend");
    }
}
