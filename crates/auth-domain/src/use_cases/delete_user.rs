//! Delete a user with all dependent data.

use crate::Auth;
use crate::model::{AuditAction, UserId};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

impl Auth {
    /// Deletes a user, ends the sessions and releases the identifiers. Returns `false` when there is no such user.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn delete_user(&self, user: UserId) -> Result<bool, PortError> {
        let deleted = self.ports.users.delete(user).await?;
        if deleted {
            self.audit(AuditEntry::succeeded(AuditAction::UserDeleted).user(user));
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use crate::use_cases::fixture::{Mocks, user};

    #[tokio::test]
    async fn delete_reports_whether_the_user_existed() {
        for deleted in [true, false] {
            let mut mocks = Mocks::new();
            mocks.users.expect_delete().once().withf(|id| *id == user().id).returning(move |_| Ok(deleted));
            let recorder = mocks.recorder();
            assert_eq!(mocks.auth().delete_user(user().id).await.expect("no error"), deleted);
            assert_eq!(recorder.lines(), ["user.deleted user"][..usize::from(deleted)]);
        }
    }
}
