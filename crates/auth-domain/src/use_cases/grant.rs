//! The tokens that a login or a refresh issues.

use std::time::Duration;

use crate::UseCases;
use crate::model::{
    AccessClaims, Client, ExtraClaims, IssuedToken, RefreshClaims, RefreshStyle, RefreshToken, Session,
    SessionId, Timestamp, TokenId, User,
};
use crate::ports::PortError;

/// The tokens of a session, to be sent to its user only.
#[derive(Debug)]
#[non_exhaustive]
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
    pub refresh_token: Option<IssuedToken>,
    /// The remaining lifetime of the session if it is not refreshed.
    pub session_ends_in: Duration,
}

impl UseCases {
    /// Signs the tokens of `session`, issued at the session's last refresh. `token` refreshes it.
    pub(super) fn grant(
        &self,
        client: &Client,
        user: User,
        session: &Session,
        token: RefreshToken,
        extra: ExtraClaims,
        now: Timestamp,
    ) -> Result<TokenGrant, PortError> {
        // A retry must produce the same `jti`, `iat` and `exp` as the lost answer. The id is therefore derived from the
        // refresh token, and the times from the last refresh. An access token never outlives its session. The extra claims
        // are those of the source's current answer.
        let token_id = match client.refresh_style {
            // A reusable token is not replaced, so presenting it again is no retry, and each access token is new.
            RefreshStyle::Reusable => TokenId::generate(&*self.core.ports.random),
            RefreshStyle::Rotating | RefreshStyle::RotatingSigned | RefreshStyle::SelfRenewing => {
                token.access_token_id()
            }
        };
        let issued_at = session.last_refreshed_at.whole_seconds();
        let session_ends_at = session.ends_at(&self.core.policy.session);
        let expires_at = issued_at.plus(client.access_lifetime).min(session_ends_at);
        let claims = AccessClaims {
            token_id,
            user_id: user.id,
            session_id: session.id,
            client_id: client.id.clone(),
            roles: user.roles.clone(),
            issued_at,
            expires_at: expires_at.whole_seconds(),
            extra,
        };
        let access_token = self.core.ports.tokens.sign(&claims)?;
        let refresh_token = self.refresh_token_text(token, session)?;
        Ok(TokenGrant {
            user,
            session_id: session.id,
            access_token,
            expires_in: claims.expires_at.since(now.whole_seconds()),
            refresh_token,
            session_ends_in: session_ends_at.since(now),
        })
    }

    /// Returns the text of a session's refresh token. `None` when its access token renews itself.
    fn refresh_token_text(
        &self,
        token: RefreshToken,
        session: &Session,
    ) -> Result<Option<IssuedToken>, PortError> {
        Ok(match token {
            RefreshToken::Opaque(secret) => Some(IssuedToken::new(secret.expose().to_string())),
            RefreshToken::Access(..) => None,
            RefreshToken::Signed(session_id, token_id) => {
                Some(self.core.ports.tokens.sign_refresh(&RefreshClaims {
                    token_id,
                    user_id: session.user_id,
                    session_id,
                    issued_at: session.last_refreshed_at.whole_seconds(),
                    expires_at: session.ends_at(&self.core.policy.session).whole_seconds(),
                })?)
            }
        })
    }
}
