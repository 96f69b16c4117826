//! Authenticate an API key for an action of a trusted program.

use std::time::Duration;

use thiserror::Error;

use crate::UseCases;
use crate::model::{ApiKey, ApiKeySecret, AuditAction, DenialReason, Scope, Timestamp};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

/// The minimum interval between two updates of a key's last use, so that not every call writes.
const LAST_USE_PRECISION: Duration = Duration::from_mins(1);

/// The API key was not accepted.
#[derive(Debug, Error)]
pub enum AuthenticateApiKeyError {
    /// The key is unknown, revoked or expired.
    #[error("invalid API key")]
    InvalidKey,
    /// The key lacks the scope.
    #[error("the API key does not have the scope {}", .0.as_str())]
    MissingScope(Scope),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Verifies an API key and its scope, and records its use.
    ///
    /// # Errors
    /// [`AuthenticateApiKeyError::InvalidKey`], without the reason, and [`AuthenticateApiKeyError::MissingScope`].
    pub async fn authenticate_api_key(
        &self,
        secret: &str,
        scope: Scope,
    ) -> Result<ApiKey, AuthenticateApiKeyError> {
        let now = self.core.ports.clock.now();
        let Some(key) = self.find_api_key(secret).await? else {
            self.audit(AuditEntry::denied(AuditAction::ApiKeyUsed, DenialReason::NotOurs).detail(scope));
            return Err(AuthenticateApiKeyError::InvalidKey);
        };
        // From here on events name the key: its secret was presented, even if the key is not accepted.
        let as_key = self.with_api_key(&key);
        if let Some(denial) = denial(&key, scope, now) {
            as_key.audit(AuditEntry::denied(AuditAction::ApiKeyUsed, denial).detail(scope));
            return Err(match denial {
                DenialReason::MissingScope => AuthenticateApiKeyError::MissingScope(scope),
                _ => AuthenticateApiKeyError::InvalidKey,
            });
        }
        if key.last_used_at.is_none_or(|last| now.since(last) >= LAST_USE_PRECISION) {
            self.core.ports.api_keys.mark_used(key.id, now).await?;
        }
        as_key.audit(AuditEntry::succeeded(AuditAction::ApiKeyUsed).detail(scope));
        Ok(key)
    }

    async fn find_api_key(&self, secret: &str) -> Result<Option<ApiKey>, PortError> {
        match ApiKeySecret::parse(secret) {
            Some(secret) => self.core.ports.api_keys.find(&secret.digest()).await,
            None => Ok(None),
        }
    }
}

/// Returns why a key is not accepted for `scope`, or `None` when it is accepted.
fn denial(key: &ApiKey, scope: Scope, now: Timestamp) -> Option<DenialReason> {
    if key.revoked_at.is_some() {
        Some(DenialReason::KeyRevoked)
    } else if !key.is_live(now) {
        Some(DenialReason::KeyExpired)
    } else if !key.scopes.contains(scope) {
        Some(DenialReason::MissingScope)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, NOW, api_key, unavailable};

    fn secret() -> ApiKeySecret {
        ApiKeySecret::from_bytes([1; 32])
    }

    fn key() -> ApiKey {
        api_key("users:read")
    }

    fn finding(found: Option<ApiKey>) -> Mocks {
        let mut mocks = Mocks::new();
        mocks
            .api_keys
            .expect_find()
            .once()
            .withf(|digest| *digest == secret().digest())
            .returning(move |_| Ok(found.clone()));
        mocks
    }

    #[tokio::test]
    async fn a_key_with_the_scope_is_accepted_and_marked_used() {
        let mut mocks = finding(Some(key()));
        mocks
            .api_keys
            .expect_mark_used()
            .once()
            .withf(|id, now| *id == key().id && *now == NOW)
            .returning(|_, _| Ok(()));
        let as_key = mocks.auth().authenticate_api_key(&secret().expose(), Scope::UsersRead).await;
        assert_eq!(as_key.expect("authenticated"), key());
    }

    #[tokio::test]
    async fn the_next_use_within_a_minute_writes_nothing() {
        let used = ApiKey { last_used_at: Some(NOW.minus(Duration::from_secs(59))), ..key() };
        let mut mocks = finding(Some(used));
        mocks.api_keys.expect_mark_used().never();
        mocks.auth().authenticate_api_key(&secret().expose(), Scope::UsersRead).await.expect("authenticated");
    }

    #[tokio::test]
    async fn a_missing_scope_is_reported() {
        let mut mocks = finding(Some(key()));
        mocks.api_keys.expect_mark_used().never();
        let error = mocks.auth().authenticate_api_key(&secret().expose(), Scope::UsersWrite).await;
        assert!(matches!(error, Err(AuthenticateApiKeyError::MissingScope(Scope::UsersWrite))));
    }

    #[tokio::test]
    async fn unknown_revoked_and_expired_keys_are_indistinguishable() {
        let revoked = ApiKey { revoked_at: Some(NOW), ..key() };
        let expired = ApiKey { expires_at: Some(NOW), ..key() };
        for found in [None, Some(revoked), Some(expired)] {
            let mut mocks = finding(found);
            mocks.api_keys.expect_mark_used().never();
            let error = mocks.auth().authenticate_api_key(&secret().expose(), Scope::UsersRead).await;
            assert!(matches!(error, Err(AuthenticateApiKeyError::InvalidKey)));
        }
    }

    #[tokio::test]
    async fn every_use_of_a_key_is_audited() {
        let used = ApiKey { last_used_at: Some(NOW), ..key() };
        let revoked = ApiKey { revoked_at: Some(NOW), ..key() };
        let expired = ApiKey { expires_at: Some(NOW), ..key() };
        for (found, scope, line) in [
            (Some(used.clone()), Scope::UsersRead, "api_key.used (users:read)"),
            (Some(used), Scope::Auth, "api_key.used missing_scope (auth)"),
            (Some(revoked), Scope::UsersRead, "api_key.used key_revoked (users:read)"),
            (Some(expired), Scope::UsersRead, "api_key.used key_expired (users:read)"),
            (None, Scope::UsersRead, "api_key.used not_ours (users:read)"),
        ] {
            let key = found.as_ref().map(|key| key.id);
            let mocks = finding(found);
            let recorder = mocks.recorder();
            let _ = mocks.auth().authenticate_api_key(&secret().expose(), scope).await;
            assert_eq!(recorder.lines(), [line]);
            assert_eq!(recorder.events()[0].caller.api_key, key, "{line}");
        }
    }

    #[tokio::test]
    async fn a_use_that_cannot_be_recorded_fails() {
        let mut mocks = finding(Some(key()));
        mocks.api_keys.expect_mark_used().once().returning(|_, _| Err(unavailable()));
        let recorder = mocks.recorder();
        let error = mocks.auth().authenticate_api_key(&secret().expose(), Scope::UsersRead).await;
        assert!(matches!(error, Err(AuthenticateApiKeyError::Port(_))));
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn an_invalid_key_causes_no_query() {
        let mut mocks = Mocks::new();
        mocks.api_keys.expect_find().never();
        let error = mocks.auth().authenticate_api_key("key_nonsense", Scope::UsersRead).await;
        assert!(matches!(error, Err(AuthenticateApiKeyError::InvalidKey)));
    }
}
