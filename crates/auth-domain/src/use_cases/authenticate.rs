//! Authenticate: verify an access token.

use thiserror::Error;

use crate::UseCases;
use crate::model::{AccessClaims, AuditAction, ClientId, DenialReason, Timestamp, User};
use crate::ports::{PortError, REVOCATION_RETENTION, SessionState};

use super::Identity;
use super::audit_entry::AuditEntry;

/// The access token was not accepted.
#[derive(Debug, Error)]
pub enum AuthenticateError {
    /// The token is not from this service, has expired, or its session or user is no longer active.
    #[error("invalid token")]
    InvalidToken,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// An access token whose signature and form have been verified, if it is one of ours. It may be expired and its session
/// may be over.
#[derive(Clone, Debug)]
pub struct VerifiedToken(Option<AccessClaims>);

impl VerifiedToken {
    /// The client that the token was issued to; `None` if the token is not ours.
    #[must_use]
    pub fn client(&self) -> Option<&ClientId> {
        self.0.as_ref().map(|claims| &claims.client_id)
    }
}

impl UseCases {
    /// Verifies the signature and the form of an access token. The result grants no access.
    #[must_use]
    pub fn verify_token(&self, token: &str) -> VerifiedToken {
        VerifiedToken(self.verify_claims(token))
    }

    /// Returns the claims of an access token that this service has signed for a client of the policy.
    pub(super) fn verify_claims(&self, token: &str) -> Option<AccessClaims> {
        self.core.ports.tokens.verify(token).filter(|claims| self.core.policy.accepts(&claims.client_id))
    }

    /// Verifies an access token. The store is queried only when the revocation feed cannot decide.
    ///
    /// # Errors
    /// [`AuthenticateError::InvalidToken`], without the reason.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, AuthenticateError> {
        self.authenticate_verified(&self.verify_token(token)).await
    }

    /// Like [`authenticate`](Self::authenticate), for a token that has been verified already.
    ///
    /// # Errors
    /// The same as [`authenticate`](Self::authenticate).
    pub async fn authenticate_verified(&self, token: &VerifiedToken) -> Result<Identity, AuthenticateError> {
        let now = self.core.ports.clock.now();
        let VerifiedToken(Some(claims)) = token else {
            self.audit(AuditEntry::denied(AuditAction::UserAuthenticated, DenialReason::NotOurs));
            return Err(AuthenticateError::InvalidToken);
        };
        if !claims.are_current(now, &self.core.policy.token) {
            return Err(self.deny(claims, DenialReason::TokenExpired));
        }
        let is_live = match self.session_state(claims, now) {
            SessionState::Live => true,
            SessionState::Ended => false,
            SessionState::Unknown => self.is_live(claims, now).await?,
        };
        if is_live { Ok(claims.clone().into()) } else { Err(self.deny(claims, DenialReason::SessionOver)) }
    }

    /// Returns the user of an access token, in a current or slightly outdated state (see
    /// [`UserRepository::find_recent`](crate::ports::UserRepository::find_recent)).
    ///
    /// # Errors
    /// The same as [`authenticate`](Self::authenticate).
    pub async fn current_user(&self, token: &str) -> Result<User, AuthenticateError> {
        self.current_user_verified(&self.verify_token(token)).await
    }

    /// Like [`current_user`](Self::current_user), for a token that has been verified already.
    ///
    /// # Errors
    /// The same as [`authenticate`](Self::authenticate).
    pub async fn current_user_verified(&self, token: &VerifiedToken) -> Result<User, AuthenticateError> {
        let identity = self.authenticate_verified(token).await?;
        let user = self.core.ports.users.find_recent(identity.user_id).await?;
        user.filter(User::is_active).ok_or(AuthenticateError::InvalidToken)
    }

    /// Denies a token that this service issued.
    fn deny(&self, claims: &AccessClaims, reason: DenialReason) -> AuthenticateError {
        self.audit(AuditEntry::denied(AuditAction::UserAuthenticated, reason).claims(claims));
        AuthenticateError::InvalidToken
    }

    /// Returns the state of the token's session.
    fn session_state(&self, claims: &AccessClaims, now: Timestamp) -> SessionState {
        match self.core.ports.revocations.session_state(claims.session_id) {
            // The feed forgets an end after the retention time. For an older token, the absence of an end proves
            // nothing, so the store must decide. A reported end remains valid.
            SessionState::Live if now.since(claims.issued_at) >= REVOCATION_RETENTION => {
                SessionState::Unknown
            }
            session_state => session_state,
        }
    }

    /// Queries the store: whether the session is live, and user, client and roles are those of the token.
    async fn is_live(&self, claims: &AccessClaims, now: Timestamp) -> Result<bool, PortError> {
        let Some((session, user)) = self.core.ports.sessions.find(claims.session_id).await? else {
            return Ok(false);
        };
        Ok(session.user_id == claims.user_id
            && session.client_id == claims.client_id
            && session.is_live(now, &self.core.policy.session)
            && user.is_active()
            && user.roles == claims.roles)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::model::{
        ClaimName, EndReason, ExtraClaims, Role, Roles, Session, SessionEnd, TokenId, UserId,
    };
    use crate::policy::Policy;
    use crate::use_cases::fixture::{Mocks, NOW, session, suspended_user, unavailable, user};

    fn claims() -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            client_id: session().client_id,
            roles: user().roles,
            issued_at: NOW.minus(Duration::from_secs(60)),
            expires_at: NOW.plus(Duration::from_secs(60)),
            extra: ExtraClaims::default()
                .with(ClaimName::parse("tenant").expect("a name"), "acme")
                .expect("fits"),
        }
    }

    /// Mocks in which the token has these claims and the feed reports this session state.
    fn with_token(claims: AccessClaims, session_state: SessionState) -> Mocks {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().once().withf(|token| token == "token").return_const(Some(claims));
        mocks
            .revocations
            .expect_session_state()
            .once()
            .withf(|id| *id == session().id)
            .return_const(session_state);
        mocks
    }

    /// Mocks in which the store is queried as well and returns this session.
    fn with_stored_session(
        claims: AccessClaims,
        session_state: SessionState,
        found: Option<(Session, User)>,
    ) -> Mocks {
        let mut mocks = with_token(claims, session_state);
        let find = mocks.sessions.expect_find().once().withf(|id| *id == session().id);
        find.returning(move |_| Ok(found.clone()));
        mocks
    }

    async fn is_invalid(mocks: Mocks) -> bool {
        matches!(mocks.auth().authenticate("token").await, Err(AuthenticateError::InvalidToken))
    }

    #[tokio::test]
    async fn a_live_session_is_accepted_without_a_query() {
        let mut mocks = with_token(claims(), SessionState::Live);
        mocks.sessions.expect_find().never();
        let identity = mocks.auth().authenticate("token").await.expect("authenticated");
        assert_eq!(identity.extra_claims.text("tenant"), Some("acme"));
        assert_eq!((identity.user_id, identity.session_id), (user().id, session().id));
        assert_eq!(identity.client_id, session().client_id);
        assert!(identity.has_role(&Role::parse("customer").expect("a role")));
        assert!(!identity.has_role(&Role::parse("admin").expect("a role")));
    }

    #[tokio::test]
    async fn an_ended_session_is_rejected_without_a_query() {
        let mut mocks = with_token(claims(), SessionState::Ended);
        mocks.sessions.expect_find().never();
        assert!(is_invalid(mocks).await);
    }

    #[tokio::test]
    async fn an_invalid_or_expired_token_causes_no_query() {
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(6)), ..claims() };
        let future = AccessClaims { issued_at: NOW.plus(Duration::from_secs(6)), ..claims() };
        for claims in [None, Some(expired), Some(future)] {
            let mut mocks = Mocks::new();
            mocks.tokens.expect_verify().once().return_const(claims);
            mocks.revocations.expect_session_state().never();
            mocks.sessions.expect_find().never();
            assert!(is_invalid(mocks).await);
        }
    }

    #[tokio::test]
    async fn a_token_of_a_client_that_is_not_accepted_opens_nothing() {
        for (accepted, opens) in [("example", true), ("elsewhere", false)] {
            let mut mocks = Mocks::new();
            mocks.tokens.expect_verify().return_const(Some(claims()));
            mocks.revocations.expect_session_state().return_const(SessionState::Live);
            let clients = Some(vec![ClientId::from_static(accepted)]);
            let auth = mocks.auth_with_policy(Policy { clients, ..Policy::default() });
            assert_eq!(auth.authenticate("token").await.is_ok(), opens, "{accepted}");
            assert_eq!(auth.verify_token("token").client().is_some(), opens, "{accepted}");
        }
    }

    #[tokio::test]
    async fn an_unknown_session_state_queries_the_store() {
        let mocks = with_stored_session(claims(), SessionState::Unknown, Some((session(), user())));
        assert_eq!(mocks.auth().authenticate("token").await.expect("authenticated"), claims().into());
    }

    #[tokio::test]
    async fn a_token_older_than_the_retention_queries_the_store() {
        let too_old = NOW.minus(REVOCATION_RETENTION);
        let mocks =
            with_stored_session(AccessClaims { issued_at: too_old, ..claims() }, SessionState::Live, None);
        assert!(is_invalid(mocks).await);

        let second = Duration::from_secs(1);
        let mut mocks =
            with_token(AccessClaims { issued_at: too_old.plus(second), ..claims() }, SessionState::Live);
        mocks.sessions.expect_find().never();
        assert!(!is_invalid(mocks).await);
    }

    #[tokio::test]
    async fn a_stored_session_that_differs_is_rejected() {
        let ended = Session { end: Some(SessionEnd { at: NOW, reason: EndReason::LoggedOut }), ..session() };
        let expired = Session { expires_at: NOW, ..session() };
        let of_another_user = Session { user_id: UserId(Uuid::from_u128(8)), ..session() };
        let elsewhere = Session { client_id: ClientId::from_static("elsewhere"), ..session() };
        let demoted = User { roles: Roles::default(), ..user() };
        for found in [
            None,
            Some((ended, user())),
            Some((expired, user())),
            Some((of_another_user, user())),
            Some((elsewhere, user())),
            Some((session(), suspended_user())),
            Some((session(), demoted)),
        ] {
            assert!(is_invalid(with_stored_session(claims(), SessionState::Unknown, found)).await);
        }
    }

    #[tokio::test]
    async fn denials_are_audited_and_successes_are_not() {
        let mut not_ours = Mocks::new();
        not_ours.tokens.expect_verify().once().return_const(None);
        let mut expired_mocks = Mocks::new();
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(6)), ..claims() };
        expired_mocks.tokens.expect_verify().once().return_const(Some(expired));
        for (mocks, lines) in [
            (not_ours, vec!["user.authenticated not_ours"]),
            (expired_mocks, vec!["user.authenticated token_expired user session"]),
            (with_token(claims(), SessionState::Ended), vec!["user.authenticated session_over user session"]),
            (
                with_stored_session(claims(), SessionState::Unknown, None),
                vec!["user.authenticated session_over user session"],
            ),
            (with_token(claims(), SessionState::Live), vec![]),
        ] {
            let recorder = mocks.recorder();
            let _ = mocks.auth().authenticate("token").await;
            assert_eq!(recorder.lines(), lines);
        }
    }

    #[tokio::test]
    async fn a_store_error_is_not_an_invalid_token() {
        let mut mocks = with_token(claims(), SessionState::Unknown);
        let recorder = mocks.recorder();
        mocks.sessions.expect_find().once().returning(|_| Err(unavailable()));
        let error = mocks.auth().authenticate("token").await.expect_err("unavailable");
        assert!(matches!(error, AuthenticateError::Port(PortError::Unavailable(_))));
        assert_eq!(recorder.events(), [], "an error is not a denial");
    }

    #[tokio::test]
    async fn current_user_comes_from_the_store() {
        let named = User { email_verified: true, ..user() };
        for (found, expected) in
            [(Some(named.clone()), Some(named)), (Some(suspended_user()), None), (None, None)]
        {
            let mut mocks = with_token(claims(), SessionState::Live);
            let find = mocks.users.expect_find_recent().once().withf(|id| *id == user().id);
            find.returning(move |_| Ok(found.clone()));
            assert_eq!(mocks.auth().current_user("token").await.ok(), expected);
        }
    }

    #[tokio::test]
    async fn an_invalid_token_looks_up_no_user() {
        let mut mocks = with_token(claims(), SessionState::Ended);
        mocks.users.expect_find_recent().never();
        let error = mocks.auth().current_user("token").await.expect_err("denied");
        assert!(matches!(error, AuthenticateError::InvalidToken));
    }

    #[test]
    fn the_client_of_a_token_follows_from_its_signature() {
        let expired = AccessClaims { expires_at: NOW.minus(Duration::from_secs(3_600)), ..claims() };
        for (claims, client) in [(Some(claims()), true), (Some(expired), true), (None, false)] {
            let mut mocks = Mocks::new();
            mocks.tokens.expect_verify().once().withf(|token| token == "token").return_const(claims);
            mocks.sessions.expect_find().never();
            let token = mocks.auth().verify_token("token");
            assert_eq!(token.client().cloned(), client.then(|| session().client_id));
        }
    }
}
