//! Create an API key for a trusted program.

use std::time::Duration;

use crate::UseCases;
use crate::model::{ApiKey, ApiKeyId, ApiKeyName, ApiKeySecret, AuditAction, NewApiKey, Scopes, uuid_v7};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

/// The command to create an API key.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreateApiKey {
    /// The name, chosen by the operator.
    pub name: ApiKeyName,
    /// The permissions.
    pub scopes: Scopes,
    /// The lifetime. `None` means that the key does not expire.
    pub lifetime: Option<Duration>,
}

impl CreateApiKey {
    /// Creates the command for a key that does not expire.
    #[must_use]
    pub fn new(name: ApiKeyName, scopes: Scopes) -> Self {
        Self { name, scopes, lifetime: None }
    }

    /// Sets the lifetime.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }
}

/// A new API key and its secret. The secret cannot be retrieved later.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKey,
    /// The secret with which the program authenticates.
    pub secret: ApiKeySecret,
}

impl UseCases {
    /// Creates an API key.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn create_api_key(&self, command: CreateApiKey) -> Result<CreatedApiKey, PortError> {
        let now = self.core.ports.clock.now();
        let secret = ApiKeySecret::generate(&*self.core.ports.random);
        let key = ApiKey {
            id: ApiKeyId(uuid_v7(now, &*self.core.ports.random)),
            name: command.name,
            scopes: command.scopes,
            created_at: now,
            expires_at: command.lifetime.map(|lifetime| now.plus(lifetime)),
            revoked_at: None,
            last_used_at: None,
        };
        let new = NewApiKey { key, digest: secret.digest() };
        self.core.ports.api_keys.insert(&new).await?;
        self.audit(AuditEntry::succeeded(AuditAction::ApiKeyCreated).detail(&new.key));
        Ok(CreatedApiKey { key: new.key, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn the_digest_of_the_returned_secret_is_stored() {
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
