//! Find a user.

use crate::UseCases;
use crate::model::{User, UserId, UserRef};
use crate::ports::PortError;

impl UseCases {
    /// Returns the user, or `None` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn find_user(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        self.core.ports.users.find(user).await
    }

    /// Returns whether the user has a password, or `None` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn has_password(&self, user: UserId) -> Result<Option<bool>, PortError> {
        let record = self.core.ports.users.find_with_password(user).await?;
        Ok(record.map(|record| record.password.hash.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, login_record, user};

    #[tokio::test]
    async fn the_store_receives_the_reference_unchanged() {
        let mut mocks = Mocks::new();
        let name = UserRef::Number(user().number);
        mocks
            .users
            .expect_find()
            .once()
            .withf(|reference| *reference == UserRef::Number(user().number))
            .returning(|_| Ok(Some(user())));
        assert_eq!(mocks.auth().find_user(&name).await.expect("no error"), Some(user()));
    }
    #[tokio::test]
    async fn a_user_without_a_hash_has_no_password() {
        let mut without = login_record(user());
        without.password.hash = None;
        for (found, expected) in
            [(Some(login_record(user())), Some(true)), (Some(without), Some(false)), (None, None)]
        {
            let mut mocks = Mocks::new();
            mocks.users.expect_find_with_password().once().return_once(|_| Ok(found));
            assert_eq!(mocks.auth().has_password(user().id).await.expect("no error"), expected);
        }
    }
}
