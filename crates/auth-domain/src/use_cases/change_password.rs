//! Change a password: verify the current one and set another.

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    AuditAction, CounterKey, DenialReason, InvalidPassword, Password, PasswordAttempt, Throttled, UserId,
};
use crate::ports::PortError;

use super::attempts::AttemptError;
use super::audit_entry::AuditEntry;

/// The command to change a password.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChangePassword {
    /// The user.
    pub user: UserId,
    /// The current password, as typed by the user.
    pub current: PasswordAttempt,
    /// The new password.
    pub new: Password,
}

impl ChangePassword {
    /// Creates the command.
    #[must_use]
    pub fn new(user: UserId, current: PasswordAttempt, new: Password) -> Self {
        Self { user, current, new }
    }
}

/// The password was not changed.
#[derive(Debug, Error)]
pub enum ChangePasswordError {
    /// The current password is wrong or was changed concurrently, or the user was deleted or suspended.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// The policy does not permit the new password: it is too short, common or one of the user's own names.
    #[error("the password {0}")]
    Password(InvalidPassword),
    /// Too many attempts have failed. The current password was not verified.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Changes the password of a user and ends all sessions of the user.
    ///
    /// # Errors
    /// [`ChangePasswordError::InvalidCredentials`] when the current password was not verified, and
    /// [`ChangePasswordError::TooManyAttempts`] when it was not compared. [`ChangePasswordError::Password`] when the
    /// policy does not permit the new password; this requires that the current one was verified.
    pub async fn change_password(&self, command: ChangePassword) -> Result<(), ChangePasswordError> {
        let ChangePassword { user, current, new } = command;
        let record = self.core.ports.users.find_with_password(user).await?;
        let denied = AuditEntry::unverified(AuditAction::UserPasswordChanged, record.as_ref()).user(user);
        let account = CounterKey::of_user(user);
        let Some(verified) = self.verify_password(account, record, &current, denied).await? else {
            return Err(ChangePasswordError::InvalidCredentials);
        };
        // The new password is checked only now: the result depends on the user's names, which an unverified caller must
        // not be able to probe.
        self.judge_password(&new, &verified.record.user.identifiers)
            .map_err(ChangePasswordError::Password)?;
        self.judge_by_rules(&new, &verified.record.user.identifiers)
            .await?
            .map_err(ChangePasswordError::Password)?;
        let hash = self.core.ports.hasher.hash(&new, self.caller_key()).await?;
        let now = self.core.ports.clock.now();
        // Hashing takes a while. The write compares the stored version again, so that a concurrent change is not
        // overwritten by one that was verified against an earlier password.
        let changed =
            self.core.ports.users.change_password(user, verified.record.password.version, &hash, now).await?;
        if !changed {
            let reason = DenialReason::ChangedMeanwhile;
            self.audit(AuditEntry::denied(AuditAction::UserPasswordChanged, reason).user(user));
            return Err(ChangePasswordError::InvalidCredentials);
        }
        self.audit(AuditEntry::succeeded(AuditAction::UserPasswordChanged).user(user));
        Ok(())
    }
}

impl From<AttemptError> for ChangePasswordError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Throttled(throttled) => Self::TooManyAttempts(throttled),
            AttemptError::Port(error) => Self::Port(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PasswordHash, PasswordVersion};
    use crate::ports::PasswordVerdict;
    use crate::use_cases::fixture::{Mocks, NOW, login_record, suspended_user, unavailable, user};

    fn command() -> ChangePassword {
        ChangePassword {
            user: user().id,
            current: PasswordAttempt::new("P@ssw0rd!"),
            new: Password::parse("another one").expect("accepted"),
        }
    }

    fn judged(verdict: PasswordVerdict) -> Mocks {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_with_password().once().returning(|_| Ok(Some(login_record(user()))));
        mocks.hasher.expect_verify().once().returning(move |_, _, _| Ok(verdict));
        mocks
    }

    async fn is_refused(mocks: Mocks) -> bool {
        matches!(mocks.auth().change_password(command()).await, Err(ChangePasswordError::InvalidCredentials))
    }

    #[tokio::test]
    async fn the_new_password_is_set_for_the_verified_version() {
        let mut mocks = judged(PasswordVerdict::Matches);
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
        mocks
            .users
            .expect_change_password()
            .once()
            .withf(|id, version, hash, now| {
                *id == user().id
                    && *version == PasswordVersion(3)
                    && hash.expose() == "new hash"
                    && *now == NOW
            })
            .returning(|_, _, _, _| Ok(true));
        mocks.auth().change_password(command()).await.expect("changed");
    }

    #[tokio::test]
    async fn every_outcome_is_audited() {
        for (verdict, changed, line) in [
            (PasswordVerdict::Matches, true, "user.password_changed user"),
            (PasswordVerdict::Matches, false, "user.password_changed changed_meanwhile user"),
            (PasswordVerdict::Differs, false, "user.password_changed wrong_password user"),
        ] {
            let mut mocks = judged(verdict);
            mocks.hasher.expect_hash().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
            mocks.users.expect_change_password().returning(move |_, _, _, _| Ok(changed));
            let recorder = mocks.recorder();
            let _ = mocks.auth().change_password(command()).await;
            assert_eq!(recorder.lines(), [line]);
        }
    }

    #[tokio::test]
    async fn a_wrong_password_changes_nothing() {
        let mut mocks = judged(PasswordVerdict::Differs);
        mocks.hasher.expect_hash().never();
        mocks.users.expect_change_password().never();
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn a_blocked_password_is_rejected_after_verification() {
        for (typed, expected) in
            [("another one", InvalidPassword::Common), ("JOHN_DOE", InvalidPassword::OwnName)]
        {
            let mut mocks = judged(PasswordVerdict::Matches);
            mocks.hasher.expect_hash().never();
            mocks.users.expect_change_password().never();
            let new = Password::parse(typed).expect("accepted");
            let auth = mocks.auth_with_blocklist(["another one"]);
            let error = auth.change_password(ChangePassword { new, ..command() }).await.expect_err("denied");
            assert!(matches!(error, ChangePasswordError::Password(rejected) if rejected == expected));
        }
        let mocks = judged(PasswordVerdict::Differs);
        let error = mocks.auth_with_blocklist(["another one"]).change_password(command()).await;
        assert!(matches!(error, Err(ChangePasswordError::InvalidCredentials)));
    }

    #[tokio::test]
    async fn a_suspended_user_changes_nothing() {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_find_with_password()
            .once()
            .returning(|_| Ok(Some(login_record(suspended_user()))));
        mocks.hasher.expect_verify().once().returning(|_, _, _| Ok(PasswordVerdict::Matches));
        mocks.hasher.expect_hash().never();
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn a_concurrent_password_change_wins() {
        let mut mocks = judged(PasswordVerdict::Matches);
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
        mocks.users.expect_change_password().once().returning(|_, _, _, _| Ok(false));
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn unknown_users_and_overlong_passwords_cost_a_verification() {
        let overlong = PasswordAttempt::new(&"a".repeat(256));
        for (found, current) in
            [(None, PasswordAttempt::new("P@ssw0rd!")), (Some(login_record(user())), overlong)]
        {
            let mut mocks = Mocks::new();
            mocks.users.expect_find_with_password().once().return_once(|_| Ok(found));
            let verify = mocks.hasher.expect_verify().once().withf(|_, stored, _| stored.is_none());
            verify.returning(|_, _, _| Ok(PasswordVerdict::Differs));
            mocks.hasher.expect_hash().never();
            let error = mocks.auth().change_password(ChangePassword { current, ..command() }).await;
            assert!(matches!(error, Err(ChangePasswordError::InvalidCredentials)));
        }
    }

    #[tokio::test]
    async fn a_store_error_is_not_a_wrong_password() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_with_password().once().returning(|_| Err(unavailable()));
        mocks.hasher.expect_verify().never();
        let recorder = mocks.recorder();
        let error = mocks.auth().change_password(command()).await;
        assert!(matches!(error, Err(ChangePasswordError::Port(PortError::Unavailable(_)))));
        assert_eq!(recorder.events(), []);
    }
}
