//! Whether the caller may take over or delete a user.

use thiserror::Error;

use crate::UseCases;
use crate::model::{AuditAction, Authority, DenialReason, Scope, User};

use super::audit_entry::AuditEntry;

/// The user has more roles than the caller's API key may grant. The change requires the scope `users:roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the user has roles that the API key may not grant")]
pub struct PrivilegedUser;

impl UseCases {
    /// Checks that the caller may take over or delete `user`, and audits a denial of `action`.
    ///
    /// The caller's write follows in a transaction of its own. If the user becomes privileged in between, the result is
    /// that of a write before the change of roles, which was permitted.
    ///
    /// # Errors
    /// [`PrivilegedUser`] when the user has more roles than the caller may grant.
    pub(super) fn require_authority(&self, action: AuditAction, user: &User) -> Result<(), PrivilegedUser> {
        let is_permitted = match self.authority {
            Authority::AllUsers => true,
            Authority::UnprivilegedUsers => !self.core.policy.registration.is_privileged(&user.roles),
        };
        if is_permitted {
            return Ok(());
        }
        let denied = AuditEntry::denied(action, DenialReason::MissingScope);
        self.audit(denied.user(user.id).detail(Scope::UsersRoles));
        Err(PrivilegedUser)
    }
}
