//! Find a user.

use crate::Auth;
use crate::model::{User, UserRef};
use crate::ports::PortError;

impl Auth {
    /// Returns the user, or `None` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn find_user(&self, user: &UserRef) -> Result<Option<User>, PortError> {
        self.ports.users.find(user).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, user};

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
}
