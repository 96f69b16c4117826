//! Set the roles of a user.

use crate::UseCases;
use crate::model::{AuditAction, Roles, User, UserId};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

impl UseCases {
    /// Replaces the roles of a user. If they differ from the current ones, all sessions of the user end, because their
    /// access tokens contain the old roles. Returns the user after the change, or `None` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn set_roles(&self, user: UserId, roles: &Roles) -> Result<Option<User>, PortError> {
        let changed = self.core.ports.users.set_roles(user, roles, self.core.ports.clock.now()).await?;
        if changed.is_some() {
            self.audit(AuditEntry::succeeded(AuditAction::UserRolesSet).user(user).detail(roles));
        }
        Ok(changed)
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
        let recorder = mocks.recorder();
        assert!(mocks.auth().set_roles(user().id, &roles).await.expect("set").is_some());
        assert_eq!(recorder.lines(), ["user.roles_set user (admin,auditor)"]);
    }

    #[tokio::test]
    async fn setting_roles_of_an_unknown_user_is_not_audited() {
        let mut mocks = Mocks::new();
        mocks.users.expect_set_roles().once().returning(|_, _, _| Ok(None));
        let recorder = mocks.recorder();
        assert_eq!(mocks.auth().set_roles(user().id, &Roles::default()).await.expect("no error"), None);
        assert_eq!(recorder.events(), []);
    }
}
