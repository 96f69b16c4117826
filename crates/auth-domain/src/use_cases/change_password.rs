//! Change a password: a user proves the old one and sets another.

use thiserror::Error;

use crate::Auth;
use crate::model::{CounterKey, Password, PasswordAttempt, Throttled, UserId};
use crate::ports::PortError;

use super::attempts::AttemptError;

/// A user who sets another password.
#[derive(Debug)]
pub struct ChangePassword {
    /// The user.
    pub user: UserId,
    /// What the user says the password is.
    pub current: PasswordAttempt,
    /// What it is to be.
    pub new: Password,
}

/// Why the password is still the old one.
#[derive(Debug, Error)]
pub enum ChangePasswordError {
    /// The current password was wrong or has been changed meanwhile, or the user is gone or suspended.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// There were too many wrong ones before: whether this one is right was not looked at.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Auth {
    /// Changes a user's password and ends every session of the user.
    ///
    /// # Errors
    /// [`ChangePasswordError::InvalidCredentials`] when the current password was not proven,
    /// [`ChangePasswordError::TooManyAttempts`] when it was not looked at.
    pub async fn change_password(&self, command: ChangePassword) -> Result<(), ChangePasswordError> {
        let ChangePassword { user, current, new } = command;
        let claimed = self.ports.users.find_with_password(user).await?;
        let proof = self.prove(CounterKey::of_user(user), claimed, &current).await?;
        let proof = proof.ok_or(ChangePasswordError::InvalidCredentials)?;
        let hash = self.ports.hasher.hash(&new).await?;
        let now = self.ports.clock.now();
        let changed =
            self.ports.users.change_password(user, proof.record.password.version, &hash, now).await?;
        if changed { Ok(()) } else { Err(ChangePasswordError::InvalidCredentials) }
    }
}

impl From<AttemptError> for ChangePasswordError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany(throttled) => Self::TooManyAttempts(throttled),
            AttemptError::Port(error) => Self::Port(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PasswordHash, PasswordPolicy, PasswordVersion};
    use crate::ports::PasswordVerdict;
    use crate::use_cases::fixture::{Mocks, NOW, login_record, suspended_user, unavailable, user};

    fn command() -> ChangePassword {
        ChangePassword {
            user: user().id,
            current: PasswordAttempt::new("P@ssw0rd!"),
            new: Password::parse("another one", PasswordPolicy::default()).expect("accepted"),
        }
    }

    fn judged(verdict: PasswordVerdict) -> Mocks {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_with_password().once().returning(|_| Ok(Some(login_record(user()))));
        mocks.hasher.expect_verify().once().returning(move |_, _| Ok(verdict));
        mocks
    }

    async fn is_refused(mocks: Mocks) -> bool {
        matches!(mocks.auth().change_password(command()).await, Err(ChangePasswordError::InvalidCredentials))
    }

    #[tokio::test]
    async fn sets_the_new_password_if_the_proven_one_is_still_in_force() {
        let mut mocks = judged(PasswordVerdict::Matches);
        mocks.hasher.expect_hash().once().returning(|_| Ok(PasswordHash::new("new hash".to_owned())));
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
    async fn a_wrong_password_changes_nothing() {
        let mut mocks = judged(PasswordVerdict::Differs);
        mocks.hasher.expect_hash().never();
        mocks.users.expect_change_password().never();
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn a_suspended_user_changes_nothing() {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_find_with_password()
            .once()
            .returning(|_| Ok(Some(login_record(suspended_user()))));
        mocks.hasher.expect_verify().once().returning(|_, _| Ok(PasswordVerdict::Matches));
        mocks.hasher.expect_hash().never();
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn a_password_changed_meanwhile_is_not_changed_again() {
        let mut mocks = judged(PasswordVerdict::Matches);
        mocks.hasher.expect_hash().once().returning(|_| Ok(PasswordHash::new("new hash".to_owned())));
        mocks.users.expect_change_password().once().returning(|_, _, _, _| Ok(false));
        assert!(is_refused(mocks).await);
    }

    #[tokio::test]
    async fn a_user_who_is_gone_and_an_overlong_password_cost_a_verification_and_change_nothing() {
        let overlong = PasswordAttempt::new(&"a".repeat(256));
        for (found, current) in
            [(None, PasswordAttempt::new("P@ssw0rd!")), (Some(login_record(user())), overlong)]
        {
            let mut mocks = Mocks::new();
            mocks.users.expect_find_with_password().once().return_once(|_| Ok(found));
            let verify = mocks.hasher.expect_verify().once().withf(|_, stored| stored.is_none());
            verify.returning(|_, _| Ok(PasswordVerdict::Differs));
            mocks.hasher.expect_hash().never();
            let error = mocks.auth().change_password(ChangePassword { current, ..command() }).await;
            assert!(matches!(error, Err(ChangePasswordError::InvalidCredentials)));
        }
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_no_wrong_password() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_with_password().once().returning(|_| Err(unavailable()));
        mocks.hasher.expect_verify().never();
        let error = mocks.auth().change_password(command()).await;
        assert!(matches!(error, Err(ChangePasswordError::Port(PortError::Unavailable(_)))));
    }
}
