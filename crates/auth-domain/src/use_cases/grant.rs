//! The tokens that a login or a refresh issues.

use std::time::Duration;

use crate::Auth;
use crate::model::{
    AccessClaims, Client, IssuedToken, RefreshHandle, RefreshSecret, Session, SessionId, Timestamp, TokenId,
    User,
};
use crate::ports::PortError;

/// The tokens of a session, to be sent to its user only.
#[derive(Debug)]
pub struct TokenGrant {
    /// The user.
    pub user: User,
    /// The session.
    pub session_id: SessionId,
    /// The access token.
    pub access_token: IssuedToken,
    /// The remaining lifetime of the access token, in whole seconds.
    pub expires_in: Duration,
    /// The refresh token. `None` when the access token renews itself.
    pub refresh_token: Option<RefreshSecret>,
    /// The remaining lifetime of the session if it is not refreshed.
    pub session_ends_in: Duration,
}

impl Auth {
    /// Signs an access token for `session`, issued at the session's last refresh, and returns it with the refresh
    /// credential `handle`.
    pub(super) fn grant(
        &self,
        client: &Client,
        user: User,
        session: &Session,
        handle: RefreshHandle,
        now: Timestamp,
    ) -> Result<TokenGrant, PortError> {
        let (token_id, refresh_token) = match handle {
            RefreshHandle::Token(_, token_id) => (token_id, None),
            RefreshHandle::Secret(secret) => (TokenId::generate(&*self.ports.random), Some(secret)),
        };
        // Times derive from the last refresh, not from `now`: a retry must produce the same `iat` and `exp` as the lost
        // answer. An access token never outlives its session.
        let issued_at = session.last_refreshed_at.whole_seconds();
        let session_ends_at = session.ends_at(&self.policy.session);
        let expires_at = issued_at.plus(client.access_lifetime).min(session_ends_at);
        let claims = AccessClaims {
            token_id,
            user_id: user.id,
            session_id: session.id,
            client_id: client.id.clone(),
            roles: user.roles.clone(),
            issued_at,
            expires_at: expires_at.whole_seconds(),
        };
        let access_token = self.ports.tokens.sign(&claims)?;
        let expires_in = claims.expires_at.since(now.whole_seconds());
        let session_ends_in = session_ends_at.since(now);
        Ok(TokenGrant {
            user,
            session_id: session.id,
            access_token,
            expires_in,
            refresh_token,
            session_ends_in,
        })
    }
}
