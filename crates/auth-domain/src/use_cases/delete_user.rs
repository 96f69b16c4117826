//! Delete a user with all dependent data.

use thiserror::Error;

use crate::UseCases;
use crate::model::{AuditAction, Authority, UserId, UserRef};
use crate::ports::PortError;

use super::PrivilegedUser;
use super::audit_entry::AuditEntry;

/// The user was not deleted.
#[derive(Debug, Error)]
pub enum DeleteUserError {
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// The user has more roles than the caller's API key may grant.
    #[error(transparent)]
    PrivilegedUser(#[from] PrivilegedUser),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Deletes a user, ends the sessions and releases the identifiers.
    ///
    /// # Errors
    /// [`DeleteUserError::NotFound`] and [`DeleteUserError::PrivilegedUser`].
    pub async fn delete_user(&self, user: UserId) -> Result<(), DeleteUserError> {
        if self.authority == Authority::UnprivilegedUsers {
            let user =
                self.core.ports.users.find(&UserRef::Id(user)).await?.ok_or(DeleteUserError::NotFound)?;
            self.require_authority(AuditAction::UserDeleted, &user)?;
        }
        if !self.core.ports.users.delete(user).await? {
            return Err(DeleteUserError::NotFound);
        }
        self.audit(AuditEntry::succeeded(AuditAction::UserDeleted).user(user));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::{Mocks, administrator, api_key, user};

    #[tokio::test]
    async fn a_deletion_is_audited() {
        let mut mocks = Mocks::new();
        mocks.users.expect_delete().once().withf(|id| *id == user().id).returning(|_| Ok(true));
        let recorder = mocks.recorder();
        mocks.auth().delete_user(user().id).await.expect("deleted");
        assert_eq!(recorder.lines(), ["user.deleted user"]);
    }

    #[tokio::test]
    async fn deleting_an_unknown_user_is_not_audited() {
        let mut mocks = Mocks::new();
        mocks.users.expect_delete().once().returning(|_| Ok(false));
        let recorder = mocks.recorder();
        let error = mocks.auth().delete_user(user().id).await.expect_err("not deleted");
        assert!(matches!(error, DeleteUserError::NotFound));
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn only_a_key_that_sets_roles_deletes_an_administrator() {
        for (scopes, found, is_deleted) in [
            ("users:write", administrator(), false),
            ("users:write,users:roles", administrator(), true),
            ("users:write", user(), true),
        ] {
            let mut mocks = Mocks::new();
            mocks.users.expect_find().returning(move |_| Ok(Some(found.clone())));
            mocks.users.expect_delete().times(usize::from(is_deleted)).returning(|_| Ok(true));
            let recorder = mocks.recorder();
            let deleted = mocks.auth().with_api_key(&api_key(scopes)).delete_user(user().id).await;
            assert_eq!(deleted.is_ok(), is_deleted, "{deleted:?}");
            let line = if is_deleted {
                "user.deleted user"
            } else {
                "user.deleted missing_scope user (users:roles)"
            };
            assert_eq!(recorder.lines(), [line]);
        }
    }
}
