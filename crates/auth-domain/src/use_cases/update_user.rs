//! Update a user: an operator, or a program that is trusted, changes what is known of them.

use thiserror::Error;

use crate::Auth;
use crate::model::{
    DisplayName, EmailAddress, IdentifierKind, Password, PhoneNumber, User, UserChanges, UserId, Username,
};
use crate::ports::{PortError, UpdateOutcome};

/// What is to change about a user; `None` leaves a member as it is.
#[derive(Debug, Default)]
pub struct UpdateUser {
    /// The new username.
    pub username: Option<Username>,
    /// The new e-mail address.
    pub email: Option<EmailAddress>,
    /// The new name to be shown.
    pub display_name: Option<DisplayName>,
    /// The new phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The new password, which ends every session of the user.
    pub password: Option<Password>,
}

/// Why the user is as before.
#[derive(Debug, Error)]
pub enum UpdateUserError {
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// Another user has this identifier.
    #[error("another user has this identifier")]
    Taken(IdentifierKind),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Auth {
    /// Changes a user, all at once or not at all. With a new password, what was guessed of the old one is forgotten.
    ///
    /// # Errors
    /// [`UpdateUserError::NotFound`] and [`UpdateUserError::Taken`]; nothing has changed then.
    pub async fn update_user(&self, user: UserId, command: UpdateUser) -> Result<User, UpdateUserError> {
        let password_hash = match &command.password {
            Some(password) => Some(self.ports.hasher.hash(password).await?),
            None => None,
        };
        let changes = UserChanges {
            username: command.username,
            email: command.email,
            display_name: command.display_name,
            phone_number: command.phone_number,
            password_hash,
        };
        match self.ports.users.update(user, &changes, self.ports.clock.now()).await? {
            UpdateOutcome::Updated(user) => {
                if changes.password_hash.is_some() {
                    self.forget_attempts(user.id).await;
                }
                Ok(user)
            }
            UpdateOutcome::NotFound => Err(UpdateUserError::NotFound),
            UpdateOutcome::Taken(kind) => Err(UpdateUserError::Taken(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CounterKey, PasswordHash, PasswordPolicy};
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, user};

    #[tokio::test]
    async fn hashes_nothing_when_the_password_stays() {
        let mut mocks = Mocks { attempts: MockAttemptLimiter::new(), ..Mocks::new() };
        mocks.hasher.expect_hash().never();
        mocks
            .users
            .expect_update()
            .once()
            .withf(|id, changes, now| *id == user().id && *changes == UserChanges::default() && *now == NOW)
            .returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
        let updated = mocks.auth().update_user(user().id, UpdateUser::default()).await;
        assert_eq!(updated.expect("updated"), user());
    }

    #[tokio::test]
    async fn a_new_password_reaches_the_store_as_a_hash_with_the_rest() {
        let mut attempts = MockAttemptLimiter::new();
        let forget = attempts.expect_forget().once().withf(|key| *key == CounterKey::of_user(user().id));
        forget.returning(|_| Ok(()));
        let mut mocks = Mocks { attempts, ..Mocks::new() };
        mocks.hasher.expect_hash().once().returning(|_| Ok(PasswordHash::new("new hash".to_owned())));
        mocks
            .users
            .expect_update()
            .once()
            .withf(|_, changes, _| {
                changes.password_hash.as_ref().map(PasswordHash::expose) == Some("new hash")
                    && changes.username.as_ref().map(Username::as_str) == Some("jane")
            })
            .returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
        let command = UpdateUser {
            username: Some(Username::parse("jane").expect("a username")),
            password: Some(Password::parse("another one", PasswordPolicy::default()).expect("accepted")),
            ..UpdateUser::default()
        };
        mocks.auth().update_user(user().id, command).await.expect("updated");
    }

    #[tokio::test]
    async fn says_why_nothing_has_changed() {
        let answer = async |outcome: UpdateOutcome| {
            let mut mocks = Mocks::new();
            mocks.users.expect_update().once().returning(move |_, _, _| Ok(outcome.clone()));
            mocks.auth().update_user(user().id, UpdateUser::default()).await.expect_err("unchanged")
        };
        assert!(matches!(answer(UpdateOutcome::NotFound).await, UpdateUserError::NotFound));
        assert!(matches!(
            answer(UpdateOutcome::Taken(IdentifierKind::Username)).await,
            UpdateUserError::Taken(IdentifierKind::Username)
        ));
    }
}
