//! Log out a bearer: end the session of an access token.

use thiserror::Error;

use crate::UseCases;
use crate::model::{Client, SessionId, Throttled};
use crate::ports::PortError;

use super::{AuthenticateError, LogOut, RefreshSession, RefreshSessionError};

/// The command to log out with an access token and the refresh tokens of a client that discards them.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogOutBearer<'a> {
    /// The client that presents the refresh tokens.
    pub client: &'a Client,
    /// The access token, if the client sent one. It may have expired if the only refresh token belongs to the same
    /// session.
    pub access_token: Option<&'a str>,
    /// The refresh tokens that the client discards. More than one if the caller cannot know which one the client uses.
    pub refresh_tokens: &'a [&'a str],
}

impl<'a> LogOutBearer<'a> {
    /// Creates the command for a request without tokens.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self { client, access_token: None, refresh_tokens: &[] }
    }

    /// Sets the access token.
    #[must_use]
    pub fn with_access_token(self, access_token: &'a str) -> Self {
        Self { access_token: Some(access_token), ..self }
    }

    /// Sets the refresh tokens that the client discards.
    #[must_use]
    pub fn with_refresh_tokens(self, refresh_tokens: &'a [&'a str]) -> Self {
        Self { refresh_tokens, ..self }
    }
}

/// The session of the access token was not ended.
#[derive(Debug, Error)]
pub enum LogOutBearerError {
    /// The access token is missing or invalid. The sessions of the refresh tokens were ended all the same.
    #[error("invalid token")]
    InvalidToken,
    /// The access token has expired and the refresh token had been consumed before. Its session was ended as a replay.
    #[error("invalid token")]
    Replayed(SessionId),
    /// The access token has expired, and too many refreshes have failed.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Ends the session of the access token and the sessions of the refresh tokens, so that no usable token remains.
    /// Returns the session of the access token.
    ///
    /// The sessions of the refresh tokens end even if the access token is invalid. The client discards these tokens in
    /// that case too, and a session that its user takes for ended must not stay usable.
    ///
    /// If the access token has expired, the refresh token must refresh the session first, as the client would otherwise
    /// have to do itself.
    ///
    /// # Errors
    /// [`LogOutBearerError::InvalidToken`], without the reason. After [`LogOutBearerError::TooManyAttempts`] and
    /// [`LogOutBearerError::Port`] a session may be live, and the client must keep its refresh token.
    pub async fn log_out_bearer(&self, command: LogOutBearer<'_>) -> Result<SessionId, LogOutBearerError> {
        let ended = match self.session_to_end(&command).await {
            // The session of the access token ends first: it is verified to be the caller's.
            Ok(session) => self.log_out(LogOut::Session(session)).await.map(|_| Ok(session))?,
            Err(error @ (LogOutBearerError::InvalidToken | LogOutBearerError::Replayed(_))) => Err(error),
            Err(error) => return Err(error),
        };
        for &token in command.refresh_tokens {
            self.log_out(LogOut::RefreshToken { client: command.client, token }).await?;
        }
        ended
    }

    /// Returns the session of the access token if the access token may end it.
    async fn session_to_end(&self, command: &LogOutBearer<'_>) -> Result<SessionId, LogOutBearerError> {
        let token = command.access_token.ok_or(LogOutBearerError::InvalidToken)?;
        match self.authenticate(token).await {
            Ok(identity) => Ok(identity.session_id),
            Err(AuthenticateError::InvalidToken) => self.session_of_expired(token, command).await,
            Err(AuthenticateError::Port(error)) => Err(error.into()),
        }
    }

    /// Returns the session of an expired access token if the only refresh token refreshes that same session.
    async fn session_of_expired(
        &self,
        access_token: &str,
        command: &LogOutBearer<'_>,
    ) -> Result<SessionId, LogOutBearerError> {
        let LogOutBearer { client, refresh_tokens, .. } = *command;
        let now = self.core.ports.clock.now();
        let claims = self
            .verify_claims(access_token)
            .filter(|claims| claims.were_issued(now, &self.core.policy.token))
            .ok_or(LogOutBearerError::InvalidToken)?;
        let &[token] = refresh_tokens else { return Err(LogOutBearerError::InvalidToken) };
        // An expired token alone must not end a session, or a leaked old token could log its user out. The refresh also
        // applies the limits and detects a replay.
        let refreshed = self.refresh_session(RefreshSession { client, token }).await?;
        if (refreshed.session_id, refreshed.user.id) == (claims.session_id, claims.user_id) {
            Ok(claims.session_id)
        } else {
            Err(LogOutBearerError::InvalidToken)
        }
    }
}

impl From<RefreshSessionError> for LogOutBearerError {
    fn from(error: RefreshSessionError) -> Self {
        match error {
            RefreshSessionError::InvalidToken => Self::InvalidToken,
            RefreshSessionError::Replayed(session) => Self::Replayed(session),
            RefreshSessionError::TooManyAttempts(throttled) => Self::TooManyAttempts(throttled),
            RefreshSessionError::Port(error) => Self::Port(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::model::{
        AccessClaims, CredentialChain, ExtraClaims, IssuedToken, JudgedRefresh, RefreshDenial, RefreshRecord,
        RefreshSecret, RefreshStyle, RefreshToken, RefreshVerdict, Roles, SecretDigest, Session, TokenId,
    };
    use crate::ports::SessionState;
    use crate::use_cases::fixture::{Mocks, NOW, client, session, unavailable, user};

    fn current() -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            client_id: session().client_id,
            roles: Roles::default(),
            issued_at: NOW.minus(Duration::from_secs(60)),
            expires_at: NOW.plus(Duration::from_secs(60)),
            extra: ExtraClaims::default(),
        }
    }

    fn chain() -> CredentialChain {
        CredentialChain::new(SecretDigest::from_bytes([3; 32]))
    }

    fn expired() -> AccessClaims {
        AccessClaims { expires_at: NOW.minus(Duration::from_secs(30)), ..current() }
    }

    /// Mocks in which the access token has these claims and its session is live.
    fn with_token(claims: Option<AccessClaims>) -> Mocks {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().withf(|token| token == "access").return_const(claims);
        mocks.revocations.expect_session_state().return_const(SessionState::Live);
        mocks
    }

    /// Expects a refresh with this verdict for the session `id`.
    fn expect_refresh(mocks: &mut Mocks, id: SessionId, verdict: RefreshVerdict) {
        mocks.sessions.expect_refresh().once().returning(move |_| {
            let session = Session { id, ..session() };
            let record = RefreshRecord { user: user(), session, chain: chain() };
            Ok(Some(JudgedRefresh { record, verdict: verdict.clone() }))
        });
    }

    fn expect_end(mocks: &mut Mocks) {
        mocks
            .sessions
            .expect_end()
            .once()
            .withf(|id, _, _| *id == session().id)
            .returning(|_, _, _| Ok(Some(session())));
    }

    async fn log_out(mocks: Mocks, with_refresh_token: bool) -> Result<SessionId, LogOutBearerError> {
        let client = client(RefreshStyle::Rotating);
        let refresh_token = RefreshSecret::from_parts(&[1; 16], &[2; 32]).expose();
        let refresh_tokens: &[&str] = if with_refresh_token { &[&refresh_token] } else { &[] };
        let access_token = Some("access");
        mocks.auth().log_out_bearer(LogOutBearer { client: &client, access_token, refresh_tokens }).await
    }

    /// Expects the end of the session of the refresh token, which is live.
    fn expect_end_by_family(mocks: &mut Mocks) {
        let family = RefreshToken::Opaque(RefreshSecret::from_parts(&[1; 16], &[2; 32])).family();
        mocks
            .sessions
            .expect_end_by_family()
            .once()
            .withf(move |presented, client, _, _| *presented == family && client.as_str() == "example")
            .returning(|_, _, _, _| Ok(Some(session())));
    }

    #[tokio::test]
    async fn a_current_token_ends_its_session() {
        let mut mocks = with_token(Some(current()));
        expect_end(&mut mocks);
        assert_eq!(log_out(mocks, false).await.expect("logged out"), session().id);
    }

    #[tokio::test]
    async fn a_current_token_ends_the_refresh_tokens_session_too() {
        let mut mocks = with_token(Some(current()));
        expect_end(&mut mocks);
        let family = RefreshToken::Opaque(RefreshSecret::from_parts(&[1; 16], &[2; 32])).family();
        mocks
            .sessions
            .expect_end_by_family()
            .once()
            .withf(move |presented, client, _, _| *presented == family && client.as_str() == "example")
            .returning(|_, _, _, _| Ok(None));
        mocks.sessions.expect_refresh().never();
        assert_eq!(log_out(mocks, true).await.expect("logged out"), session().id);
    }

    #[tokio::test]
    async fn an_expired_token_needs_a_refresh_of_its_session() {
        let mut mocks = with_token(Some(expired()));
        expect_refresh(&mut mocks, session().id, RefreshVerdict::Rotate(chain()));
        mocks.tokens.expect_sign().once().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
        expect_end(&mut mocks);
        mocks.sessions.expect_end_by_family().once().returning(|_, _, _, _| Ok(None));
        assert_eq!(log_out(mocks, true).await.expect("logged out"), session().id);
    }

    #[tokio::test]
    async fn an_expired_token_with_another_session_ends_only_that_session() {
        let mut mocks = with_token(Some(expired()));
        expect_refresh(&mut mocks, SessionId(Uuid::from_u128(77)), RefreshVerdict::Rotate(chain()));
        mocks.tokens.expect_sign().once().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
        mocks.sessions.expect_end().never();
        expect_end_by_family(&mut mocks);
        let error = log_out(mocks, true).await.expect_err("denied");
        assert!(matches!(error, LogOutBearerError::InvalidToken));
    }

    #[tokio::test]
    async fn an_expired_token_without_a_refresh_does_not_end_its_session() {
        let mut denied = with_token(Some(expired()));
        expect_refresh(&mut denied, session().id, RefreshVerdict::Deny(RefreshDenial::SessionOver));
        denied.sessions.expect_end_by_family().once().returning(|_, _, _, _| Ok(None));
        let mut alone = with_token(Some(expired()));
        alone.sessions.expect_refresh().never();
        for (mut mocks, with_refresh_token) in [(denied, true), (alone, false)] {
            mocks.sessions.expect_end().never();
            let error = log_out(mocks, with_refresh_token).await.expect_err("denied");
            assert!(matches!(error, LogOutBearerError::InvalidToken));
        }
    }

    #[tokio::test]
    async fn an_invalid_access_token_ends_only_the_refresh_tokens_session() {
        let future = AccessClaims { issued_at: NOW.plus(Duration::from_secs(6)), ..current() };
        for claims in [None, Some(future)] {
            let mut mocks = with_token(claims);
            mocks.sessions.expect_refresh().never();
            mocks.sessions.expect_end().never();
            expect_end_by_family(&mut mocks);
            let recorder = mocks.recorder();
            let error = log_out(mocks, true).await.expect_err("denied");
            assert!(matches!(error, LogOutBearerError::InvalidToken));
            assert!(recorder.lines().iter().any(|line| line == "user.logged_out user session"));
        }
    }

    #[tokio::test]
    async fn without_an_access_token_every_refresh_token_ends_its_session() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_end_by_family().times(2).returning(|_, _, _, _| Ok(Some(session())));
        let (one, other) =
            (RefreshSecret::from_parts(&[1; 16], &[2; 32]), RefreshSecret::from_parts(&[3; 16], &[4; 32]));
        let (one, other) = (one.expose(), other.expose());
        let client = client(RefreshStyle::Rotating);
        let command = LogOutBearer { client: &client, access_token: None, refresh_tokens: &[&one, &other] };
        let error = mocks.auth().log_out_bearer(command).await.expect_err("denied");
        assert!(matches!(error, LogOutBearerError::InvalidToken));
    }

    #[tokio::test]
    async fn a_session_that_cannot_be_ended_is_an_error() {
        let mut mocks = with_token(None);
        mocks.sessions.expect_end_by_family().once().returning(|_, _, _, _| Err(unavailable()));
        let error = log_out(mocks, true).await.expect_err("unavailable");
        assert!(matches!(error, LogOutBearerError::Port(PortError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_replay_is_reported_as_such() {
        let mut mocks = with_token(Some(expired()));
        expect_refresh(&mut mocks, session().id, RefreshVerdict::Replay);
        mocks.sessions.expect_end_by_family().once().returning(|_, _, _, _| Ok(None));
        let error = log_out(mocks, true).await.expect_err("denied");
        assert!(matches!(error, LogOutBearerError::Replayed(id) if id == session().id));
    }

    #[tokio::test]
    async fn a_store_error_is_not_an_invalid_token() {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().once().return_const(Some(current()));
        mocks.revocations.expect_session_state().return_const(SessionState::Unknown);
        mocks.sessions.expect_find().once().returning(|_| Err(unavailable()));
        let error = log_out(mocks, false).await.expect_err("unavailable");
        assert!(matches!(error, LogOutBearerError::Port(PortError::Unavailable(_))));
    }
}
