//! Authenticate: the bearer of an access token is shown to be a user.

use thiserror::Error;

use crate::Auth;
use crate::model::{AccessClaims, AuditAction, ClientId, DenialReason, Role, Session, User};
use crate::ports::PortError;

use super::note::Note;

/// The user who bears an access token, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: User,
    /// The session, which is live.
    pub session: Session,
    /// What the token says.
    pub claims: AccessClaims,
}

impl Identity {
    /// Whether the user has this role now.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        self.user.roles.contains(role)
    }
}

/// Why nobody was shown to be a user.
#[derive(Debug, Error)]
pub enum AuthenticateError {
    /// The token is not ours, is expired, or its session or its user is no more.
    #[error("invalid token")]
    InvalidToken,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Auth {
    /// Shows who bears `token`.
    ///
    /// The store is asked each time: a session that has ended anywhere opens nothing from then on, and roles are the
    /// user's own, not the token's.
    ///
    /// # Errors
    /// [`AuthenticateError::InvalidToken`], whatever it is that is wrong with it.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, AuthenticateError> {
        let now = self.ports.clock.now();
        let Some(claims) = self.ports.tokens.verify(token) else {
            self.note(Note::denied(AuditAction::UserAuthenticated, DenialReason::NotOurs));
            return Err(AuthenticateError::InvalidToken);
        };
        if !claims.are_current(now, &self.policy.token) {
            return Err(self.refuse(&claims, DenialReason::TokenExpired));
        }
        let Some((session, user)) = self.ports.sessions.find(claims.session_id).await? else {
            return Err(self.refuse(&claims, DenialReason::SessionOver));
        };
        let fits = session.user_id == claims.user_id
            && session.client_id == claims.client_id
            && session.is_live(now, &self.policy.session);
        if !fits {
            return Err(self.refuse(&claims, DenialReason::SessionOver));
        }
        if !user.is_active() {
            return Err(self.refuse(&claims, DenialReason::UserSuspended));
        }
        Ok(Identity { user, session, claims })
    }

    /// Refuses a token that is ours.
    fn refuse(&self, claims: &AccessClaims, reason: DenialReason) -> AuthenticateError {
        self.note(Note::denied(AuditAction::UserAuthenticated, reason).bearer(claims));
        AuthenticateError::InvalidToken
    }

    /// The client that `token` was issued to; `None` when it is not ours.
    ///
    /// The token may have expired and its session may be over: the signature is all that is looked at, so the answer
    /// tells whose words to use and opens nothing.
    #[must_use]
    pub fn issued_to(&self, token: &str) -> Option<ClientId> {
        self.ports.tokens.verify(token).map(|claims| claims.client_id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::model::{EndReason, Roles, SessionEnd, TokenId, UserId};
    use crate::use_cases::fixture::{Mocks, NOW, session, suspended_user, unavailable, user};

    fn claims() -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            client_id: session().client_id,
            roles: Roles::default(),
            issued_at: NOW.minus(Duration::from_secs(60)),
            expires_at: NOW.plus(Duration::from_secs(60)),
        }
    }

    async fn authenticate(
        claims: Option<AccessClaims>,
        found: Option<(Session, User)>,
    ) -> Result<Identity, AuthenticateError> {
        recorded(claims, found).await.0
    }

    async fn recorded(
        claims: Option<AccessClaims>,
        found: Option<(Session, User)>,
    ) -> (Result<Identity, AuthenticateError>, Vec<String>) {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().once().withf(|token| token == "token").return_const(claims);
        mocks.sessions.expect_find().withf(|id| *id == session().id).returning(move |_| Ok(found.clone()));
        let recorder = mocks.recorder();
        (mocks.auth().authenticate("token").await, recorder.lines())
    }

    #[tokio::test]
    async fn the_bearer_is_the_user_as_the_store_knows_them() {
        let identity = authenticate(Some(claims()), Some((session(), user()))).await.expect("authenticated");
        assert_eq!(identity.user.roles.to_string(), "customer");
        assert_eq!(identity.session, session());
    }

    #[tokio::test]
    async fn roles_are_the_users_own_and_not_the_tokens() {
        let claims = AccessClaims { roles: Roles::parse("admin").expect("roles"), ..claims() };
        let identity = authenticate(Some(claims), Some((session(), user()))).await.expect("authenticated");
        assert!(identity.has_role(&Role::parse("customer").expect("a role")));
        assert!(!identity.has_role(&Role::parse("admin").expect("a role")));
    }

    #[tokio::test]
    async fn a_token_that_is_not_ours_or_not_current_asks_no_store() {
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(6)), ..claims() };
        let future = AccessClaims { issued_at: NOW.plus(Duration::from_secs(6)), ..claims() };
        for claims in [None, Some(expired), Some(future)] {
            let mut mocks = Mocks::new();
            mocks.tokens.expect_verify().once().return_const(claims);
            mocks.sessions.expect_find().never();
            let error = mocks.auth().authenticate("token").await.expect_err("refused");
            assert!(matches!(error, AuthenticateError::InvalidToken));
        }
    }

    #[tokio::test]
    async fn a_session_that_is_over_or_not_the_tokens_own_opens_nothing() {
        let ended = Session { end: Some(SessionEnd { at: NOW, reason: EndReason::LoggedOut }), ..session() };
        let expired = Session { expires_at: NOW, ..session() };
        let anothers = Session { user_id: UserId(Uuid::from_u128(8)), ..session() };
        let elsewhere = Session { client_id: ClientId::from_static("elsewhere"), ..session() };
        for found in [
            None,
            Some((ended, user())),
            Some((expired, user())),
            Some((anothers, user())),
            Some((elsewhere, user())),
            Some((session(), suspended_user())),
        ] {
            let error = authenticate(Some(claims()), found).await.expect_err("refused");
            assert!(matches!(error, AuthenticateError::InvalidToken));
        }
    }

    #[tokio::test]
    async fn what_is_refused_is_recorded_and_who_is_shown_is_not() {
        let ended = Session { end: Some(SessionEnd { at: NOW, reason: EndReason::LoggedOut }), ..session() };
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(6)), ..claims() };
        for (claims, found, line) in [
            (None, None, "user.authenticated not_ours"),
            (Some(expired), None, "user.authenticated token_expired user session"),
            (Some(claims()), None, "user.authenticated session_over user session"),
            (Some(claims()), Some((ended, user())), "user.authenticated session_over user session"),
            (
                Some(claims()),
                Some((session(), suspended_user())),
                "user.authenticated user_suspended user session",
            ),
        ] {
            assert_eq!(recorded(claims, found).await.1, [line]);
        }
        assert_eq!(recorded(Some(claims()), Some((session(), user()))).await.1, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_no_invalid_token() {
        let mut mocks = Mocks::new();
        let recorder = mocks.recorder();
        mocks.tokens.expect_verify().once().return_const(Some(claims()));
        mocks.sessions.expect_find().once().returning(|_| Err(unavailable()));
        let error = mocks.auth().authenticate("token").await.expect_err("away");
        assert!(matches!(error, AuthenticateError::Port(PortError::Unavailable(_))));
        assert_eq!(recorder.events(), [], "nobody was denied anything");
    }

    #[test]
    fn whom_a_token_was_issued_to_is_told_by_its_signature_alone() {
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(3_600)), ..claims() };
        for (said, client) in [(Some(claims()), true), (Some(expired), true), (None, false)] {
            let mut mocks = Mocks::new();
            mocks.tokens.expect_verify().once().withf(|token| token == "token").return_const(said);
            mocks.sessions.expect_find().never();
            let issued_to = mocks.auth().issued_to("token");
            assert_eq!(issued_to, client.then(|| session().client_id));
        }
    }
}
