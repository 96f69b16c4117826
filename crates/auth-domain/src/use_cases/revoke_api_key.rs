//! Revoke an API key.

use crate::UseCases;
use crate::model::{ApiKeyId, AuditAction};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

impl UseCases {
    /// Revokes an API key. Returns `false` when there is no such key or it was revoked before.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn revoke_api_key(&self, key: ApiKeyId) -> Result<bool, PortError> {
        let revoked = self.core.ports.api_keys.revoke(key, self.core.ports.clock.now()).await?;
        if revoked {
            self.audit(AuditEntry::succeeded(AuditAction::ApiKeyRevoked).detail(key));
        }
        Ok(revoked)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn revokes_the_given_key_as_of_now() {
        let key = ApiKeyId(Uuid::from_u128(5));
        let mut mocks = Mocks::new();
        mocks
            .api_keys
            .expect_revoke()
            .once()
            .withf(move |id, now| *id == key && *now == NOW)
            .returning(|_, _| Ok(true));
        let recorder = mocks.recorder();
        assert!(mocks.auth().revoke_api_key(key).await.expect("revoked"));
        assert_eq!(recorder.lines(), [format!("api_key.revoked ({key})")]);
    }

    #[tokio::test]
    async fn revoking_a_key_twice_is_audited_once() {
        let mut mocks = Mocks::new();
        mocks.api_keys.expect_revoke().once().returning(|_, _| Ok(false));
        let recorder = mocks.recorder();
        assert!(!mocks.auth().revoke_api_key(ApiKeyId(Uuid::from_u128(5))).await.expect("no error"));
        assert_eq!(recorder.events(), []);
    }
}
