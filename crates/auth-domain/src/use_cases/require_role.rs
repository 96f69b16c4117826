//! Require a role of an authenticated user.

use thiserror::Error;

use crate::UseCases;
use crate::model::{AuditAction, DenialReason, Role};

use super::Identity;
use super::audit_entry::AuditEntry;

/// The user lacks the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the user does not have the role")]
pub struct MissingRole;

impl UseCases {
    /// Checks that the user has `role`, and audits a denial.
    ///
    /// # Errors
    /// [`MissingRole`] when the user lacks the role.
    pub fn require_role(&self, identity: &Identity, role: &Role) -> Result<(), MissingRole> {
        if identity.has_role(role) {
            return Ok(());
        }
        let denied = AuditEntry::denied(AuditAction::ResourceOpened, DenialReason::MissingRole);
        self.audit(denied.identity(identity).detail(role));
        Err(MissingRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExtraClaims;
    use crate::use_cases::fixture::{Mocks, session, user};

    fn identity() -> Identity {
        let roles = user().roles;
        let (session, extra_claims) = (session(), ExtraClaims::default());
        Identity {
            user_id: user().id,
            session_id: session.id,
            client_id: session.client_id,
            roles,
            extra_claims,
        }
    }

    #[test]
    fn a_missing_role_is_denied_and_audited() {
        for (role, outcome, recorded) in [
            ("customer", Ok(()), &[][..]),
            ("admin", Err(MissingRole), &["resource.opened missing_role user session (admin)"]),
        ] {
            let mocks = Mocks::new();
            let recorder = mocks.recorder();
            let role = Role::parse(role).expect("a role");
            assert_eq!(mocks.auth().require_role(&identity(), &role), outcome);
            assert_eq!(recorder.lines(), recorded);
        }
    }
}
