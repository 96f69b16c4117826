//! The identity of an authenticated user.

use crate::model::{AccessClaims, ClientId, ExtraClaims, Role, Roles, SessionId, UserId};

/// The user of an access token whose session is live. The roles are current: a session ends when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The client that the token was issued to.
    pub client_id: ClientId,
    /// The permissions.
    pub roles: Roles,
    /// The claims that the embedding program added to the token, as they were at its issue.
    pub extra_claims: ExtraClaims,
}

impl Identity {
    /// Returns whether the user has this role.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }
}

impl From<AccessClaims> for Identity {
    fn from(claims: AccessClaims) -> Self {
        let AccessClaims { user_id, session_id, client_id, roles, extra, .. } = claims;
        Self { user_id, session_id, client_id, roles, extra_claims: extra }
    }
}
