//! Refresh a session: exchange a refresh token for new tokens.

use std::time::Duration;

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    AuditAction, AuditDetail, Client, DenialReason, EndReason, ExtraClaims, JudgedRefresh, Limit,
    RefreshAttempt, RefreshDenial, RefreshSecret, RefreshStyle, RefreshToken, RefreshVerdict, Session,
    SessionEnd, SessionId, SuccessorNonce, Throttled, Timestamp, UserId,
};
use crate::ports::PortError;

use super::TokenGrant;
use super::attempts::AttemptError;
use super::audit_entry::AuditEntry;

/// The command to refresh a session.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefreshSession<'a> {
    /// The client that presents the token.
    pub client: &'a Client,
    /// The refresh token, or the access token if the client's access tokens renew themselves.
    pub token: &'a str,
}

impl<'a> RefreshSession<'a> {
    /// Creates the command.
    #[must_use]
    pub fn new(client: &'a Client, token: &'a str) -> Self {
        Self { client, token }
    }
}

/// The session was not refreshed.
#[derive(Debug, Error)]
pub enum RefreshSessionError {
    /// The token is not from this service, was issued to another client, or its session or user is no longer active.
    #[error("invalid token")]
    InvalidToken,
    /// The token had been consumed before, so another party may hold it. The session was ended.
    #[error("invalid token")]
    Replayed(SessionId),
    /// Too many refreshes of the caller have failed, or the session was refreshed too often within the retry window.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A refresh without a grant, and its audit entry.
struct DeniedRefresh {
    error: RefreshSessionError,
    /// `None` when a port failed, which is not an event.
    entry: Option<AuditEntry>,
    /// The session that ended because of a replay.
    replayed: Option<Box<Session>>,
}

impl From<PortError> for DeniedRefresh {
    fn from(error: PortError) -> Self {
        Self { error: error.into(), entry: None, replayed: None }
    }
}

/// The presented token was consumed this long after now, by the clock of this node.
#[derive(Debug, Error)]
#[error("the clock is {} s behind the time of a stored refresh", .0.as_secs())]
struct ClockBehind(Duration);

impl UseCases {
    /// Refreshes a session. Only failures count against the limit of the caller.
    ///
    /// # Errors
    /// [`RefreshSessionError::InvalidToken`], without the reason. [`RefreshSessionError::Replayed`], which a client
    /// must not be able to distinguish from it; only the audit trail does. [`RefreshSessionError::TooManyAttempts`].
    pub async fn refresh_session(
        &self,
        command: RefreshSession<'_>,
    ) -> Result<TokenGrant, RefreshSessionError> {
        let DeniedRefresh { error, entry, replayed } = match self.refresh(command).await {
            Ok(grant) => return Ok(grant),
            Err(denied) => denied,
        };
        // The limit is applied after the refresh, not before it. Looking up a credential is cheap, and failures of
        // others at the same address must not end a user's session.
        if matches!(error, RefreshSessionError::InvalidToken) {
            self.count_failed_refresh().await?;
        }
        // Audited after the limit has decided, so that a flood of failures is not recorded.
        if let Some(entry) = entry {
            self.audit(entry);
        }
        if matches!(error, RefreshSessionError::Replayed(_)) {
            // The session has ended, so the replay is audited and reported whether or not it can be counted.
            let _ = self.count_failure(Limit::Refreshes).await;
        }
        if let Some(session) = replayed {
            self.after_replay(&session).await;
        }
        Err(error)
    }

    /// Counts a failed refresh, or denies it when the limit is exhausted.
    async fn count_failed_refresh(&self) -> Result<(), AttemptError> {
        // A counter that is known to be exhausted is not written again, so that a flood of failures stays cheap.
        self.check_exhausted(Limit::Refreshes)?;
        self.count(Limit::Refreshes).await
    }

    async fn refresh(&self, command: RefreshSession<'_>) -> Result<TokenGrant, DeniedRefresh> {
        let RefreshSession { client, token } = command;
        let now = self.core.ports.clock.now();
        let Some(presented) = self.parse_refresh_token(client, token, now) else {
            return Err(deny_unknown(client));
        };
        let (presented, user) = presented;
        let extra = self.extra_claims_before_refresh(client, &presented, now).await?;
        let (attempt, successor) = self.attempt(client, user, &presented, now);
        let Some(JudgedRefresh { record, verdict }) = self.core.ports.sessions.refresh(&attempt).await?
        else {
            return Err(deny_unknown(client));
        };
        self.note_stored_time(record.session.last_refreshed_at);
        // A success is audited after the tokens are signed: an event must not report tokens that the client never
        // received.
        let entry = audit_entry(&verdict).session(&record.session);
        let last_refreshed_at = record.session.last_refreshed_at;
        let (current, refreshed_at) = match verdict {
            RefreshVerdict::Rotate(_) => (successor, now),
            RefreshVerdict::Extend => (presented, now),
            RefreshVerdict::Retry(nonces) => {
                (nonces.iter().fold(presented, |token, nonce| token.successor(nonce)), last_refreshed_at)
            }
            RefreshVerdict::Replay => {
                let end = Some(SessionEnd { at: now, reason: EndReason::Replayed });
                let session = Session { end, ..record.session };
                let error = RefreshSessionError::Replayed(session.id);
                return Err(DeniedRefresh { error, entry: Some(entry), replayed: Some(session.into()) });
            }
            RefreshVerdict::Deny(denial) => {
                if let RefreshDenial::ClockBehind(lag) = denial {
                    self.note_stored_time(now.plus(lag));
                }
                return Err(DeniedRefresh { error: denial.into(), entry: Some(entry), replayed: None });
            }
        };
        let session = Session { last_refreshed_at: refreshed_at, ..record.session };
        let extra = match extra {
            Some(extra) => extra,
            None => self.extra_claims(&record.user, client).await?,
        };
        let grant = self.grant(client, record.user, &session, current, extra, now)?;
        self.audit(entry);
        Ok(grant)
    }

    /// Returns the extra claims of the next token, if there is a source and the session can be refreshed.
    ///
    /// The source is asked before the token is consumed. While it is unavailable, every refresh fails and changes nothing. In the
    /// other order, an outage longer than the retry window would turn the repeated refresh into a replay and end the session.
    async fn extra_claims_before_refresh(
        &self,
        client: &Client,
        presented: &RefreshToken,
        now: Timestamp,
    ) -> Result<Option<ExtraClaims>, PortError> {
        if self.core.extensions.claims_source.is_none() {
            return Ok(None);
        }
        let found = self.core.ports.sessions.find_by_family(&presented.family()).await?;
        let refreshable = found.filter(|(session, user)| {
            session.client_id == client.id
                && session.is_live(now, &self.core.policy.session)
                && user.is_active()
        });
        match refreshable {
            Some((_, user)) => self.extra_claims(&user, client).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns an attempt to refresh with the presented token, and the token that replaces it if it rotates.
    fn attempt(
        &self,
        client: &Client,
        user: Option<UserId>,
        presented: &RefreshToken,
        now: Timestamp,
    ) -> (RefreshAttempt, RefreshToken) {
        // The successor is derived before the store decides, because the decision and its writes are one transaction that
        // needs the digest of the successor. It is discarded unless the verdict is to rotate.
        let nonce = SuccessorNonce::generate(&*self.core.ports.random);
        let successor = presented.successor(&nonce);
        let attempt = RefreshAttempt {
            family: presented.family(),
            credential: presented.credential(),
            client: client.clone(),
            user,
            successor: successor.credential(),
            nonce,
            received_at: now,
            policy: self.core.policy.session.clone(),
            leeway: self.core.policy.token.leeway,
            outage: None,
        };
        (attempt, successor)
    }

    /// Parses the token that a client with this refresh style presents, and returns the user that a signed token names. A
    /// signed token may have expired: the session decides. An access token must belong to the client.
    pub(super) fn parse_refresh_token(
        &self,
        client: &Client,
        token: &str,
        now: Timestamp,
    ) -> Option<(RefreshToken, Option<UserId>)> {
        let tokens = &self.core.ports.tokens;
        match client.refresh_style {
            RefreshStyle::Rotating | RefreshStyle::Reusable => {
                RefreshSecret::parse(token).map(|secret| (RefreshToken::Opaque(secret), None))
            }
            RefreshStyle::RotatingSigned => tokens
                .verify_refresh(token)
                .filter(|claims| claims.issued_at <= now.plus(self.core.policy.token.leeway))
                .map(|claims| {
                    (RefreshToken::Signed(claims.session_id, claims.token_id), Some(claims.user_id))
                }),
            RefreshStyle::SelfRenewing => tokens
                .verify(token)
                .filter(|claims| claims.client_id == client.id)
                .filter(|claims| claims.were_issued(now, &self.core.policy.token))
                .map(|claims| {
                    (RefreshToken::Access(claims.session_id, claims.token_id), Some(claims.user_id))
                }),
        }
    }
}

/// Denies a token that belongs to no session.
fn deny_unknown(client: &Client) -> DeniedRefresh {
    let entry = AuditEntry::denied(AuditAction::SessionRefreshed, DenialReason::NotOurs).client(&client.id);
    DeniedRefresh { error: RefreshSessionError::InvalidToken, entry: Some(entry), replayed: None }
}

/// Returns the audit entry for a verdict.
fn audit_entry(verdict: &RefreshVerdict) -> AuditEntry {
    let denial = match verdict {
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend => {
            return AuditEntry::succeeded(AuditAction::SessionRefreshed);
        }
        RefreshVerdict::Retry(_) => {
            return AuditEntry::succeeded(AuditAction::SessionRefreshed).detail(AuditDetail::RETRY);
        }
        RefreshVerdict::Replay => {
            return AuditEntry::denied(AuditAction::SessionReplayed, DenialReason::UsedBefore);
        }
        RefreshVerdict::Deny(RefreshDenial::TooManyRotations(throttled)) => {
            return AuditEntry::denied(AuditAction::AttemptLimited, DenialReason::TooManyAttempts)
                .detail(throttled.limit);
        }
        RefreshVerdict::Deny(RefreshDenial::OtherClient) => DenialReason::OtherClient,
        RefreshVerdict::Deny(RefreshDenial::OtherUser) => DenialReason::OtherUser,
        RefreshVerdict::Deny(RefreshDenial::SessionOver) => DenialReason::SessionOver,
        RefreshVerdict::Deny(RefreshDenial::UserSuspended) => DenialReason::UserSuspended,
        RefreshVerdict::Deny(RefreshDenial::ClockBehind(_)) => DenialReason::ClockBehind,
    };
    AuditEntry::denied(AuditAction::SessionRefreshed, denial)
}

impl From<RefreshDenial> for RefreshSessionError {
    fn from(denial: RefreshDenial) -> Self {
        match denial {
            RefreshDenial::OtherClient
            | RefreshDenial::OtherUser
            | RefreshDenial::SessionOver
            | RefreshDenial::UserSuspended => Self::InvalidToken,
            RefreshDenial::TooManyRotations(throttled) => Self::TooManyAttempts(throttled),
            RefreshDenial::ClockBehind(lag) => Self::Port(PortError::Unavailable(ClockBehind(lag).into())),
        }
    }
}

impl From<AttemptError> for RefreshSessionError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Throttled(throttled) => Self::TooManyAttempts(throttled),
            AttemptError::Port(error) => Self::Port(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        AccessClaims, ClientId, CredentialChain, ExtraClaims, IssuedToken, RefreshClaims, RefreshRecord,
        Roles, TokenId,
    };
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, caller, client, session, throttled, unavailable, user};

    fn secret() -> RefreshSecret {
        RefreshSecret::from_parts(&[1; 16], &[2; 32])
    }

    fn token() -> RefreshToken {
        RefreshToken::Opaque(secret())
    }

    /// A rotation. The use case does not look into the chain, which is the store's.
    fn rotation() -> RefreshVerdict {
        RefreshVerdict::Rotate(CredentialChain::new(token().credential()))
    }

    fn judged_refresh(verdict: RefreshVerdict) -> JudgedRefresh {
        let chain = CredentialChain::new(token().credential());
        let record = RefreshRecord { user: user(), session: session(), chain };
        JudgedRefresh { record, verdict }
    }

    /// Mocks in which the store knows [`secret`] and returns this verdict.
    fn with_verdict(verdict: RefreshVerdict) -> Mocks {
        let mut mocks = Mocks::new();
        mocks
            .sessions
            .expect_refresh()
            .once()
            .withf(|attempt| {
                (attempt.family, attempt.credential, attempt.received_at)
                    == (token().family(), token().credential(), NOW)
            })
            .returning(move |_| Ok(Some(judged_refresh(verdict.clone()))));
        mocks
    }

    fn expect_signing(mocks: &mut Mocks, issued_at: Timestamp) {
        mocks
            .tokens
            .expect_sign()
            .once()
            .withf(move |claims| {
                claims.issued_at == issued_at.whole_seconds()
                    && claims.expires_at == claims.issued_at.plus(Duration::from_secs(900))
            })
            .returning(|_| Ok(IssuedToken::new("signed".to_owned())));
    }

    async fn refresh(mocks: Mocks, style: RefreshStyle) -> Result<TokenGrant, RefreshSessionError> {
        let client = client(style);
        let command = RefreshSession { client: &client, token: &secret().expose() };
        mocks.auth().refresh_session(command).await
    }

    #[tokio::test]
    async fn a_rotating_token_returns_its_successor() {
        let mut mocks = with_verdict(rotation());
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        let text = grant.refresh_token.expect("a token");
        assert_ne!(text.expose(), *secret().expose());
        assert_eq!(grant.expires_in, Duration::from_secs(900));
    }

    #[tokio::test]
    async fn the_stored_successor_is_the_returned_one() {
        let mut mocks = Mocks::new();
        let (sender, receiver) = std::sync::mpsc::channel();
        mocks.sessions.expect_refresh().once().returning(move |attempt| {
            sender.send(attempt.successor).expect("the test listens");
            Ok(Some(judged_refresh(rotation())))
        });
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        let text = grant.refresh_token.expect("a token");
        let returned = RefreshToken::Opaque(RefreshSecret::parse(text.expose()).expect("a refresh token"));
        assert_eq!(returned.credential(), receiver.recv().expect("stored"));
        assert_eq!(returned.family(), token().family());
    }

    #[tokio::test]
    async fn a_reusable_token_stays_the_same() {
        let mut mocks = with_verdict(RefreshVerdict::Extend);
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Reusable).await.expect("refreshed");
        assert_eq!(grant.refresh_token.expect("a token").expose(), *secret().expose());
    }

    #[tokio::test]
    async fn a_retry_returns_the_current_token_with_its_times() {
        let nonces = [2, 3].map(|number| SuccessorNonce::from_bytes([number; 16]));
        let refreshed_at = NOW.minus(Duration::from_secs(3));
        let mut judged = judged_refresh(RefreshVerdict::Retry(nonces.to_vec()));
        judged.record.session.last_refreshed_at = refreshed_at;
        let current = token().successor(&nonces[0]).successor(&nonces[1]);
        let token_id = current.access_token_id();
        let mut mocks = Mocks::new();
        mocks.sessions.expect_refresh().once().returning(move |_| Ok(Some(judged.clone())));
        mocks
            .tokens
            .expect_sign()
            .once()
            .withf(move |claims| {
                (claims.token_id, claims.issued_at) == (token_id, refreshed_at.whole_seconds())
            })
            .returning(|_| Ok(IssuedToken::new("signed".to_owned())));
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        let RefreshToken::Opaque(current) = current else { panic!("not opaque") };
        assert_eq!(grant.refresh_token.expect("a token").expose(), *current.expose());
        assert_eq!(grant.expires_in, Duration::from_secs(897));
        assert_eq!(grant.session_ends_in, Duration::from_secs(14 * 24 * 3_600 - 3));
    }

    #[tokio::test]
    async fn a_clock_behind_a_stored_refresh_is_noticed() {
        for (seconds, lag) in [(5, None), (6, Some(Duration::from_secs(6)))] {
            let mut judged = judged_refresh(rotation());
            judged.record.session.last_refreshed_at = NOW.plus(Duration::from_secs(seconds));
            let mut mocks = Mocks::new();
            mocks.sessions.expect_refresh().once().returning(move |_| Ok(Some(judged.clone())));
            expect_signing(&mut mocks, NOW);
            let (auth, client, token) = (mocks.root(), client(RefreshStyle::Rotating), secret().expose());
            assert_eq!(auth.clock_lag(), None);
            let command = RefreshSession { client: &client, token: &token };
            auth.on_behalf_of_system().refresh_session(command).await.expect("refreshed");
            assert_eq!(auth.clock_lag(), lag);
        }
    }

    #[tokio::test]
    async fn a_signed_token_returns_a_signed_successor() {
        let claims = RefreshClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            issued_at: NOW.minus(Duration::from_secs(60)),
            expires_at: NOW.minus(Duration::from_secs(30)),
        };
        let presented = RefreshToken::Signed(claims.session_id, claims.token_id);
        let credential = presented.credential();
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().never();
        mocks.tokens.expect_verify_refresh().once().return_const(Some(claims.clone()));
        mocks
            .sessions
            .expect_refresh()
            .once()
            .withf(move |attempt| attempt.credential == credential && attempt.user == Some(user().id))
            .returning(|_| Ok(Some(judged_refresh(rotation()))));
        expect_signing(&mut mocks, NOW);
        mocks
            .tokens
            .expect_sign_refresh()
            .once()
            .withf(move |successor| {
                successor.token_id != claims.token_id
                    && successor.issued_at == NOW.whole_seconds()
                    && successor.expires_at == NOW.plus(Duration::from_secs(14 * 24 * 3_600)).whole_seconds()
            })
            .returning(|_| Ok(IssuedToken::new("signed refresh".to_owned())));
        let grant = refresh(mocks, RefreshStyle::RotatingSigned).await.expect("refreshed");
        assert_eq!(grant.refresh_token.expect("a token").expose(), "signed refresh");
    }

    #[tokio::test]
    async fn a_signed_token_from_the_future_is_invalid() {
        let claims = RefreshClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            issued_at: NOW.plus(Duration::from_secs(6)),
            expires_at: NOW.plus(Duration::from_secs(60)),
        };
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify_refresh().once().return_const(Some(claims));
        mocks.sessions.expect_refresh().never();
        let error = refresh(mocks, RefreshStyle::RotatingSigned).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::InvalidToken));
    }

    #[tokio::test]
    async fn too_many_rotations_are_throttled_and_not_counted() {
        let denial = RefreshDenial::TooManyRotations(throttled());
        let mocks = Mocks { attempts: counters(0, None), ..with_verdict(RefreshVerdict::Deny(denial)) };
        let error = refresh_from_an_address(mocks).await.expect_err("throttled");
        assert!(matches!(error, RefreshSessionError::TooManyAttempts(actual) if actual == throttled()));
    }

    #[tokio::test]
    async fn a_clock_that_is_behind_is_reported_and_not_counted() {
        let lag = Duration::from_secs(60);
        let denial = RefreshVerdict::Deny(RefreshDenial::ClockBehind(lag));
        let mocks = Mocks { attempts: counters(0, None), ..with_verdict(denial) };
        let error = refresh_from_an_address(mocks).await.expect_err("not decided");
        assert_eq!(error.to_string(), "unavailable");
        assert!(
            matches!(error, RefreshSessionError::Port(PortError::Unavailable(cause)) if cause.is::<ClockBehind>())
        );
    }

    #[tokio::test]
    async fn a_replay_is_reported_and_gets_no_token() {
        let mut mocks = with_verdict(RefreshVerdict::Replay);
        mocks.tokens.expect_sign().never();
        let error = refresh(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::Replayed(id) if id == session().id));
        // The text may reach the client, which may be the thief.
        assert_eq!(error.to_string(), RefreshSessionError::InvalidToken.to_string());
    }

    #[tokio::test]
    async fn denied_and_unknown_credentials_get_no_token() {
        let denied = judged_refresh(RefreshVerdict::Deny(RefreshDenial::SessionOver));
        for result in [None, Some(denied)] {
            let mut mocks = Mocks::new();
            mocks.sessions.expect_refresh().once().returning(move |_| Ok(result.clone()));
            mocks.tokens.expect_sign().never();
            let error = refresh(mocks, RefreshStyle::Rotating).await.expect_err("denied");
            assert!(matches!(error, RefreshSessionError::InvalidToken));
        }
    }

    #[tokio::test]
    async fn every_verdict_is_audited() {
        let retry = RefreshVerdict::Retry(vec![SuccessorNonce::from_bytes([2; 16])]);
        let rotations = RefreshDenial::TooManyRotations(Throttled { limit: Limit::Rotations, ..throttled() });
        let clock = RefreshDenial::ClockBehind(Duration::from_secs(6));
        for (verdict, line) in [
            (rotation(), "session.refreshed user session"),
            (RefreshVerdict::Extend, "session.refreshed user session"),
            (retry, "session.refreshed user session (retry)"),
            (RefreshVerdict::Replay, "session.replayed used_before user session"),
            (RefreshVerdict::Deny(RefreshDenial::OtherClient), "session.refreshed other_client user session"),
            (RefreshVerdict::Deny(RefreshDenial::OtherUser), "session.refreshed other_user user session"),
            (RefreshVerdict::Deny(RefreshDenial::SessionOver), "session.refreshed session_over user session"),
            (
                RefreshVerdict::Deny(RefreshDenial::UserSuspended),
                "session.refreshed user_suspended user session",
            ),
            (RefreshVerdict::Deny(rotations), "attempt.limited too_many_attempts user session (rotation)"),
            (RefreshVerdict::Deny(clock), "session.refreshed clock_behind user session"),
        ] {
            let mut mocks = with_verdict(verdict);
            mocks.tokens.expect_sign().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
            let recorder = mocks.recorder();
            let _ = refresh(mocks, RefreshStyle::Rotating).await;
            assert_eq!(recorder.lines(), [line]);
        }
    }

    #[tokio::test]
    async fn an_unknown_credential_is_audited_as_not_ours() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_refresh().once().returning(|_| Ok(None));
        let recorder = mocks.recorder();
        let _ = refresh(mocks, RefreshStyle::Rotating).await;
        assert_eq!(recorder.lines(), ["session.refreshed not_ours"]);
        assert!(!recorder.events()[0].is_kept(), "any caller can present any number of unknown tokens");
    }

    #[tokio::test]
    async fn a_refresh_with_a_signing_error_is_not_audited() {
        let mut mocks = with_verdict(rotation());
        mocks.tokens.expect_sign().once().returning(|_| Err(unavailable()));
        let recorder = mocks.recorder();
        assert!(refresh(mocks, RefreshStyle::Rotating).await.is_err());
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn an_access_token_is_not_accepted_as_an_opaque_one() {
        for style in [RefreshStyle::Rotating, RefreshStyle::RotatingSigned, RefreshStyle::Reusable] {
            let mut mocks = Mocks::new();
            mocks.sessions.expect_refresh().never();
            mocks.tokens.expect_verify().never();
            mocks.tokens.expect_verify_refresh().return_const(None);
            let client = client(style);
            let command = RefreshSession { client: &client, token: "eyJ0.e30.c2ln" };
            let error = mocks.auth().refresh_session(command).await.expect_err("denied");
            assert!(matches!(error, RefreshSessionError::InvalidToken));
        }
    }

    fn expired_claims() -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(9)),
            user_id: user().id,
            session_id: session().id,
            client_id: session().client_id,
            roles: Roles::default(),
            issued_at: NOW.minus(Duration::from_secs(7_200)),
            expires_at: NOW.minus(Duration::from_secs(3_600)),
            extra: ExtraClaims::default(),
        }
    }

    #[tokio::test]
    async fn an_expired_access_token_renews_itself_within_its_session() {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().once().return_const(Some(expired_claims()));
        let presented = RefreshToken::Access(session().id, expired_claims().token_id).credential();
        mocks
            .sessions
            .expect_refresh()
            .once()
            .withf(move |attempt| attempt.credential == presented && attempt.user == Some(user().id))
            .returning(|_| Ok(Some(judged_refresh(rotation()))));
        mocks
            .tokens
            .expect_sign()
            .once()
            .withf(|claims| claims.token_id != expired_claims().token_id)
            .returning(|_| Ok(IssuedToken::new("renewed".to_owned())));
        let grant = refresh(mocks, RefreshStyle::SelfRenewing).await.expect("renewed");
        assert_eq!(grant.access_token.expose(), "renewed");
        assert!(grant.refresh_token.is_none());
    }

    #[tokio::test]
    async fn another_clients_access_token_renews_nothing() {
        let mut mocks = Mocks::new();
        let elsewhere = ClientId::from_static("elsewhere");
        let claims = AccessClaims { client_id: elsewhere, ..expired_claims() };
        mocks.tokens.expect_verify().once().return_const(Some(claims));
        mocks.sessions.expect_refresh().never();
        let error = refresh(mocks, RefreshStyle::SelfRenewing).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::InvalidToken));
    }

    #[tokio::test]
    async fn a_store_error_is_not_an_invalid_token() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_refresh().once().returning(|_| Err(unavailable()));
        let recorder = mocks.recorder();
        let error = refresh(mocks, RefreshStyle::Rotating).await.expect_err("unavailable");
        assert!(matches!(error, RefreshSessionError::Port(PortError::Unavailable(_))));
        assert_eq!(recorder.events(), []);
    }

    /// Expects `failures` counted attempts, each answered with `throttle`.
    fn counters(failures: usize, throttle: Option<Throttled>) -> MockAttemptLimiter {
        let mut attempts = MockAttemptLimiter::new();
        attempts.expect_exhausted().returning(|_, _| None);
        attempts
            .expect_count()
            .times(failures)
            .withf(|counter, now| counter.limit == Limit::Refreshes && *now == NOW)
            .returning(move |_, _| Ok(throttle));
        attempts
    }

    async fn refresh_from_an_address(mocks: Mocks) -> Result<TokenGrant, RefreshSessionError> {
        let client = client(RefreshStyle::Rotating);
        let command = RefreshSession { client: &client, token: &secret().expose() };
        mocks.called_by(caller()).refresh_session(command).await
    }

    #[tokio::test]
    async fn a_successful_refresh_reads_and_writes_no_counter() {
        let mut mocks = with_verdict(rotation());
        expect_signing(&mut mocks, NOW);
        let attempts = MockAttemptLimiter::new();
        refresh_from_an_address(Mocks { attempts, ..mocks }).await.expect("refreshed");
    }

    #[tokio::test]
    async fn a_failed_refresh_is_counted_and_throttled() {
        for throttle in [None, Some(throttled())] {
            let denial = RefreshVerdict::Deny(RefreshDenial::SessionOver);
            let mocks = Mocks { attempts: counters(1, throttle), ..with_verdict(denial) };
            let recorder = mocks.recorder();
            let error = refresh_from_an_address(mocks).await.expect_err("denied");
            if throttle.is_none() {
                assert!(matches!(error, RefreshSessionError::InvalidToken));
                assert_eq!(recorder.lines(), ["session.refreshed session_over user session"]);
            } else {
                assert!(matches!(error, RefreshSessionError::TooManyAttempts(_)));
                assert_eq!(recorder.lines(), ["attempt.limited too_many_attempts (account)"]);
            }
        }
    }

    #[tokio::test]
    async fn a_replay_is_counted_but_never_throttled() {
        let mocks =
            Mocks { attempts: counters(1, Some(throttled())), ..with_verdict(RefreshVerdict::Replay) };
        let error = refresh_from_an_address(mocks).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::Replayed(_)));
    }

    #[tokio::test]
    async fn a_store_error_is_not_counted() {
        let mut mocks = Mocks { attempts: counters(0, None), ..Mocks::new() };
        mocks.sessions.expect_refresh().once().returning(|_| Err(unavailable()));
        let error = refresh_from_an_address(mocks).await.expect_err("unavailable");
        assert!(matches!(error, RefreshSessionError::Port(_)));
    }

    #[tokio::test]
    async fn an_exhausted_counter_is_not_written_again() {
        let mut attempts = MockAttemptLimiter::new();
        attempts.expect_exhausted().once().return_const(Some(throttled()));
        attempts.expect_count().never();
        let mocks = Mocks { attempts, ..with_verdict(RefreshVerdict::Deny(RefreshDenial::OtherClient)) };
        let recorder = mocks.recorder();
        let error = refresh_from_an_address(mocks).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::TooManyAttempts(actual) if actual == throttled()));
        assert_eq!(recorder.lines(), ["attempt.limited too_many_attempts (account)"]);
    }
}
