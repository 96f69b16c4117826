//! Choose a role: somebody who registers may have one of those that are offered.

use thiserror::Error;

use crate::Auth;
use crate::model::{AuditAction, DenialReason, Role, Roles};

use super::audit_entry::AuditEntry;

/// The role is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a role that new accounts may choose")]
pub struct RoleNotOffered;

impl Auth {
    /// The role that somebody who registers has typed, if it is one of those that are `offered`. Whoever chooses another
    /// may be up to something, so it is recorded: the role, if it can be one, and nothing else of what was typed.
    ///
    /// # Errors
    /// [`RoleNotOffered`].
    pub fn choose_role(&self, typed: &str, offered: &Roles) -> Result<Roles, RoleNotOffered> {
        let role = Role::parse(typed).ok();
        match role {
            Some(role) if offered.contains(&role) => Ok(Roles::from(role)),
            role => {
                let denied = AuditEntry::denied(AuditAction::UserRegistered, DenialReason::RoleNotOffered);
                self.audit(match &role {
                    Some(role) => denied.detail(role),
                    None => denied,
                });
                Err(RoleNotOffered)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::Mocks;

    fn choose(typed: &str) -> (Result<Roles, RoleNotOffered>, Vec<String>) {
        let mocks = Mocks::new();
        let recorder = mocks.recorder();
        let offered = Roles::parse("customer,partner").expect("roles");
        (mocks.auth().choose_role(typed, &offered), recorder.lines())
    }

    #[test]
    fn a_role_that_is_offered_is_had_alone() {
        let partner = Roles::parse("partner").expect("roles");
        assert_eq!(choose("partner"), (Ok(partner), vec![]));
    }

    #[test]
    fn another_role_is_refused_and_recorded_by_its_name() {
        let line = "user.registered role_not_offered (admin)".to_owned();
        assert_eq!(choose("admin"), (Err(RoleNotOffered), vec![line]));
    }

    #[test]
    fn what_is_no_role_is_recorded_without_it() {
        for typed in ["", "Admin", "customer,admin", "my P@ssw0rd!"] {
            let line = "user.registered role_not_offered".to_owned();
            assert_eq!(choose(typed), (Err(RoleNotOffered), vec![line]), "{typed}");
        }
    }
}
