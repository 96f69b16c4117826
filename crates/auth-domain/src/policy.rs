//! The rules that a deployment sets, as plain data with secure defaults.
//!
//! [`Policy`] collects them. Each part is defined next to the types it governs in [`model`](crate::model).

pub use crate::extensions::ExtensionPolicy;
use crate::model::ClientId;
pub use crate::model::{
    AccountPolicy, AttemptPolicy, AuditPolicy, PasswordPolicy, Rate, RegistrationPolicy, SessionPolicy,
    TokenPolicy,
};

/// All rules of a deployment. Assign the members that differ from the defaults:
///
/// ```
/// use auth_domain::policy::Policy;
///
/// let mut policy = Policy::default();
/// policy.passwords.min_length = 12;
/// policy.session.max_live = 10;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The lifetime and number of sessions.
    pub session: SessionPolicy,
    /// The validation of access tokens.
    pub token: TokenPolicy,
    /// The clients whose access tokens are accepted. Default: `None`, which accepts those of every client.
    pub clients: Option<Vec<ClientId>>,
    /// The rules for new passwords.
    pub passwords: PasswordPolicy,
    /// The roles that users get without the permission to set roles.
    pub registration: RegistrationPolicy,
    /// The retention of the audit trail.
    pub audit: AuditPolicy,
    /// The limits on attempts.
    pub attempts: AttemptPolicy,
    /// The limits on the extensions of the embedding program.
    pub extensions: ExtensionPolicy,
}

impl Policy {
    /// Returns whether access tokens of this client are accepted.
    pub(crate) fn accepts(&self, client: &ClientId) -> bool {
        self.clients.as_ref().is_none_or(|accepted| accepted.contains(client))
    }
}
