//! The changes of a user that end every session of that user.

use super::fixture::{Fixture, hash, roles};
use crate::model::{EndReason, PasswordVersion, Timestamp, UserChanges, UserId, UserStatus};
use crate::ports::UpdateOutcome;

/// A change that ends every session of its user.
#[derive(Clone, Copy, Debug)]
pub(super) enum SessionEndingChange {
    Password,
    PasswordInUpdate,
    Suspension,
    Roles,
    Deletion,
}

impl SessionEndingChange {
    pub(super) const ALL: [Self; 5] =
        [Self::Password, Self::PasswordInUpdate, Self::Suspension, Self::Roles, Self::Deletion];

    /// Makes the change; it must succeed. The caller reads `version` before, so that a race starts with the change.
    pub(super) async fn apply(
        self,
        fixture: &Fixture<'_>,
        user: UserId,
        version: PasswordVersion,
        at: Timestamp,
    ) {
        let users = fixture.users();
        match self {
            Self::Password => {
                let changed = users.change_password(user, version, &hash("second"), at).await;
                assert!(changed.expect("no error"), "the version is current");
            }
            Self::PasswordInUpdate => {
                let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
                let outcome = users.update(user, &changes, at).await.expect("no error");
                assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
            }
            Self::Suspension => {
                let suspended = users.set_status(user, UserStatus::Suspended, at).await;
                assert!(suspended.expect("no error").is_some(), "the user exists");
            }
            Self::Roles => {
                let changed = users.set_roles(user, &roles("editor"), at).await;
                assert!(changed.expect("no error").is_some(), "the user exists");
            }
            Self::Deletion => assert!(users.delete(user).await.expect("no error"), "the user exists"),
        }
    }

    /// The reason of the ended sessions; `None` if the sessions are deleted with their user.
    pub(super) fn reason(self) -> Option<EndReason> {
        match self {
            Self::Password | Self::PasswordInUpdate => Some(EndReason::PasswordChanged),
            Self::Suspension => Some(EndReason::Suspended),
            Self::Roles => Some(EndReason::RolesChanged),
            Self::Deletion => None,
        }
    }
}
