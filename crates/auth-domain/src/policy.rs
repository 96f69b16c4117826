//! The rules that a deployment sets, as plain data with secure defaults.
//!
//! [`Policy`] collects them. Each part is defined next to the types it governs in [`model`](crate::model).

use crate::model::Blocklist;
pub use crate::model::{
    AccountPolicy, AttemptPolicy, AuditPolicy, Rate, RegistrationPolicy, SessionPolicy, TokenPolicy,
};

/// All rules of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The lifetime and number of sessions.
    pub session: SessionPolicy,
    /// The validation of access tokens.
    pub token: TokenPolicy,
    /// Passwords that users must not set. Default: `None`, which also permits a user's own names as the password.
    pub blocklist: Option<Blocklist>,
    /// The roles that users get without the permission to set roles.
    pub registration: RegistrationPolicy,
    /// The retention of the audit trail.
    pub audit: AuditPolicy,
    /// The limits on attempts.
    pub attempts: AttemptPolicy,
}
