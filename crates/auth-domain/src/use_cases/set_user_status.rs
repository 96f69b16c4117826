//! Suspend or activate a user.

use crate::UseCases;
use crate::model::{AuditAction, User, UserId, UserStatus};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

impl UseCases {
    /// Suspends a user and ends all sessions of the user. Returns the user after the change, or `None` when there is no
    /// such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn suspend_user(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.set_status(user, UserStatus::Suspended, AuditAction::UserSuspended).await
    }

    /// Activates a suspended user and deletes the failed attempts of the account. Returns the user after the change, or
    /// `None` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn activate_user(&self, user: UserId) -> Result<Option<User>, PortError> {
        let activated = self.set_status(user, UserStatus::Active, AuditAction::UserActivated).await?;
        self.forget_attempts(user).await;
        Ok(activated)
    }

    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        action: AuditAction,
    ) -> Result<Option<User>, PortError> {
        let changed = self.core.ports.users.set_status(user, status, self.core.ports.clock.now()).await?;
        if changed.is_some() {
            self.audit(AuditEntry::succeeded(action).user(user));
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CounterKey;
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, suspended_user, unavailable, user};

    #[tokio::test]
    async fn suspending_stores_the_status() {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_set_status()
            .once()
            .withf(|id, status, now| *id == user().id && *status == UserStatus::Suspended && *now == NOW)
            .returning(|_, _, _| Ok(Some(suspended_user())));
        let recorder = mocks.recorder();
        assert_eq!(mocks.auth().suspend_user(user().id).await.expect("set"), Some(suspended_user()));
        assert_eq!(recorder.lines(), ["user.suspended user"]);
    }

    #[tokio::test]
    async fn activating_stores_the_status_and_deletes_failures() {
        let mut attempts = MockAttemptLimiter::new();
        let forget = attempts.expect_forget().once().withf(|key| *key == CounterKey::of_user(user().id));
        forget.returning(|_| Err(unavailable()));
        let mut mocks = Mocks { attempts, ..Mocks::new() };
        mocks
            .users
            .expect_set_status()
            .once()
            .withf(|id, status, _| *id == user().id && *status == UserStatus::Active)
            .returning(|_, _, _| Ok(Some(user())));
        let recorder = mocks.recorder();
        assert_eq!(mocks.auth().activate_user(user().id).await.expect("set"), Some(user()));
        assert_eq!(recorder.lines(), ["user.activated user"]);
    }

    #[tokio::test]
    async fn setting_the_status_of_an_unknown_user_is_not_audited() {
        let mut mocks = Mocks::new();
        mocks.users.expect_set_status().once().returning(|_, _, _| Ok(None));
        let recorder = mocks.recorder();
        assert_eq!(mocks.auth().suspend_user(user().id).await.expect("no error"), None);
        assert_eq!(recorder.events(), []);
    }
}
