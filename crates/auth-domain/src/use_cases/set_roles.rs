//! Set what a user may do.

use crate::Auth;
use crate::model::{Roles, User, UserId};
use crate::ports::PortError;

impl Auth {
    /// Gives a user exactly these roles and, if they are others than before, ends every session of theirs: access tokens
    /// say the old ones. The user as changed; `None` when there is no such user.
    ///
    /// # Errors
    /// When a port failed.
    pub async fn set_roles(&self, user: UserId, roles: &Roles) -> Result<Option<User>, PortError> {
        self.ports.users.set_roles(user, roles, self.ports.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, NOW, user};

    #[tokio::test]
    async fn stores_exactly_the_given_roles() {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_set_roles()
            .once()
            .withf(|id, roles, now| *id == user().id && roles.to_string() == "admin,auditor" && *now == NOW)
            .returning(|_, _, _| Ok(Some(user())));
        let roles = Roles::parse("auditor,admin").expect("roles");
        assert!(mocks.auth().set_roles(user().id, &roles).await.expect("set").is_some());
    }
}
