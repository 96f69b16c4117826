//! Require a role: some things are not for every user.

use thiserror::Error;

use crate::Auth;
use crate::model::{AuditAction, DenialReason, Role};

use super::Identity;
use super::note::Note;

/// The user does not have the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the user does not have the role")]
pub struct MissingRole;

impl Auth {
    /// Lets only those pass who have `role` now.
    ///
    /// # Errors
    /// [`MissingRole`].
    pub fn require_role(&self, identity: &Identity, role: &Role) -> Result<(), MissingRole> {
        if identity.has_role(role) {
            return Ok(());
        }
        let denied = Note::denied(AuditAction::ResourceOpened, DenialReason::MissingRole);
        self.note(denied.session(&identity.session).detail(role));
        Err(MissingRole)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{AccessClaims, Roles, TokenId};
    use crate::use_cases::fixture::{Mocks, NOW, session, user};

    fn identity() -> Identity {
        let claims = AccessClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            client_id: session().client_id,
            roles: Roles::default(),
            issued_at: NOW,
            expires_at: NOW,
        };
        Identity { user: user(), session: session(), claims }
    }

    #[test]
    fn only_who_has_the_role_passes_and_who_has_not_is_recorded() {
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
