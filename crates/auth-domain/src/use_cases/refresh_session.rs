//! Refresh a session: exchange a refresh credential for new tokens.

use thiserror::Error;

use crate::Auth;
use crate::model::{
    AuditAction, AuditDetail, Client, DenialReason, JudgedRefresh, Limit, RefreshAttempt, RefreshDenial,
    RefreshHandle, RefreshSecret, RefreshStyle, RefreshVerdict, Session, SessionId, SuccessorNonce,
    Throttled, Timestamp,
};
use crate::ports::PortError;

use super::TokenGrant;
use super::attempts::AttemptError;
use super::audit_entry::AuditEntry;

/// The command to refresh a session.
#[derive(Debug)]
pub struct RefreshSession<'a> {
    /// The client that presents the token.
    pub client: &'a Client,
    /// The refresh token, or the access token if the client's access tokens renew themselves.
    pub token: &'a str,
}

/// The session was not refreshed.
#[derive(Debug, Error)]
pub enum RefreshSessionError {
    /// The token is not from this service, was issued to another client, or its session or user is no longer active.
    #[error("invalid token")]
    InvalidToken,
    /// The token had been consumed before, so another party may hold it. The session was ended.
    #[error("the token was used before")]
    Replayed(SessionId),
    /// Too many refreshes have failed.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Auth {
    /// Refreshes a session. Only failures count against the limit of the caller.
    ///
    /// # Errors
    /// [`RefreshSessionError::InvalidToken`], without the reason. [`RefreshSessionError::Replayed`], which a client
    /// must not be able to distinguish from it; only the audit trail does. [`RefreshSessionError::TooManyAttempts`].
    pub async fn refresh_session(
        &self,
        command: RefreshSession<'_>,
    ) -> Result<TokenGrant, RefreshSessionError> {
        match self.refresh(command).await {
            Err(failure @ (RefreshSessionError::InvalidToken | RefreshSessionError::Replayed(_))) => {
                Err(self.count_failed_refresh(failure).await)
            }
            outcome => outcome,
        }
    }

    /// Counts a failed refresh and returns the error to answer with.
    ///
    /// The limit is applied after the refresh, not before it. Looking up a credential is cheap, and failures of others
    /// at the same address must not end a user's session.
    async fn count_failed_refresh(&self, failure: RefreshSessionError) -> RefreshSessionError {
        if matches!(failure, RefreshSessionError::Replayed(_)) {
            // The session has ended, so the replay is reported whether or not it could be counted.
            let _ = self.count_failure(Limit::Refreshes).await;
            return failure;
        }
        // A counter that is known to be exhausted is not written again, so that a flood of failures stays cheap.
        if let Err(exhausted) = self.check_exhausted(Limit::Refreshes) {
            return exhausted.into();
        }
        match self.count_failure(Limit::Refreshes).await {
            Ok(None) => failure,
            Ok(Some(throttled)) => RefreshSessionError::TooManyAttempts(throttled),
            Err(error) => error.into(),
        }
    }

    async fn refresh(&self, command: RefreshSession<'_>) -> Result<TokenGrant, RefreshSessionError> {
        let RefreshSession { client, token } = command;
        let now = self.ports.clock.now();
        let Some(presented) = self.parse_handle(client, token, now) else {
            return Err(self.deny_unknown(client));
        };
        // The successor is derived before the store decides, because the decision and its writes are one transaction that
        // needs the digest of the successor. It is discarded unless the verdict is to rotate.
        let nonce = SuccessorNonce::generate(&*self.ports.random);
        let successor = presented.successor(&nonce);
        let attempt = RefreshAttempt {
            presented: presented.digest(),
            client: client.clone(),
            successor: successor.digest(),
            nonce,
            now,
            policy: self.policy.session.clone(),
        };
        let Some(JudgedRefresh { record, verdict }) = self.ports.sessions.refresh(&attempt).await? else {
            return Err(self.deny_unknown(client));
        };
        // A success is audited after the token is signed, a denial at once: an event must not report tokens that the client
        // never received.
        let entry = audit_entry(&verdict).session(&record.session);
        let (handle, refreshed_at) = match verdict {
            RefreshVerdict::Rotate => (successor, now),
            RefreshVerdict::Extend => (presented, now),
            RefreshVerdict::Retry { nonce, consumed_at } => (presented.successor(&nonce), consumed_at),
            RefreshVerdict::Replay => {
                self.audit(entry);
                return Err(RefreshSessionError::Replayed(record.session.id));
            }
            RefreshVerdict::Deny(_) => {
                self.audit(entry);
                return Err(RefreshSessionError::InvalidToken);
            }
        };
        let session = Session { last_refreshed_at: refreshed_at, ..record.session };
        let grant = self.grant(client, record.user, &session, handle, now)?;
        self.audit(entry);
        Ok(grant)
    }

    /// Denies a token that is not a known credential.
    fn deny_unknown(&self, client: &Client) -> RefreshSessionError {
        self.audit(
            AuditEntry::denied(AuditAction::SessionRefreshed, DenialReason::NotOurs).client(&client.id),
        );
        RefreshSessionError::InvalidToken
    }

    /// Parses the token that a client with this refresh style presents. An access token may have expired, but must
    /// belong to the client.
    pub(super) fn parse_handle(&self, client: &Client, token: &str, now: Timestamp) -> Option<RefreshHandle> {
        match client.refresh_style {
            RefreshStyle::Rotating | RefreshStyle::Reusable => {
                RefreshSecret::parse(token).map(RefreshHandle::Secret)
            }
            RefreshStyle::SelfRenewing => self
                .ports
                .tokens
                .verify(token)
                .filter(|claims| claims.client_id == client.id)
                .filter(|claims| claims.were_issued(now, &self.policy.token))
                .map(|claims| RefreshHandle::Token(claims.session_id, claims.token_id)),
        }
    }
}

/// Returns the audit entry for a verdict.
fn audit_entry(verdict: &RefreshVerdict) -> AuditEntry {
    let denial = match verdict {
        RefreshVerdict::Rotate | RefreshVerdict::Extend => {
            return AuditEntry::succeeded(AuditAction::SessionRefreshed);
        }
        RefreshVerdict::Retry { .. } => {
            return AuditEntry::succeeded(AuditAction::SessionRefreshed).detail(AuditDetail::RETRY);
        }
        RefreshVerdict::Replay => {
            return AuditEntry::denied(AuditAction::SessionReplayed, DenialReason::UsedBefore);
        }
        RefreshVerdict::Deny(RefreshDenial::OtherClient) => DenialReason::OtherClient,
        RefreshVerdict::Deny(RefreshDenial::SessionOver) => DenialReason::SessionOver,
        RefreshVerdict::Deny(RefreshDenial::UserSuspended) => DenialReason::UserSuspended,
    };
    AuditEntry::denied(AuditAction::SessionRefreshed, denial)
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
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::model::{
        AccessClaims, ClientId, CredentialState, IssuedToken, RefreshDenial, RefreshRecord, Roles, TokenId,
    };
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, caller, client, session, throttled, unavailable, user};

    fn secret() -> RefreshSecret {
        RefreshSecret::from_bytes([1; 32])
    }

    fn judged_refresh(verdict: RefreshVerdict) -> JudgedRefresh {
        let record = RefreshRecord { user: user(), session: session(), credential: CredentialState::Current };
        JudgedRefresh { record, verdict }
    }

    /// Mocks in which the store knows [`secret`] and returns this verdict.
    fn with_verdict(verdict: RefreshVerdict) -> Mocks {
        let mut mocks = Mocks::new();
        mocks
            .sessions
            .expect_refresh()
            .once()
            .withf(|attempt| attempt.presented == secret().digest() && attempt.now == NOW)
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
        let mut mocks = with_verdict(RefreshVerdict::Rotate);
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        let token = grant.refresh_token.expect("a token").expose();
        assert_ne!(token, secret().expose());
        assert_eq!(grant.expires_in, Duration::from_secs(900));
    }

    #[tokio::test]
    async fn the_stored_successor_is_the_returned_one() {
        let mut mocks = Mocks::new();
        let (sender, receiver) = std::sync::mpsc::channel();
        mocks.sessions.expect_refresh().once().returning(move |attempt| {
            sender.send(attempt.successor).expect("the test listens");
            Ok(Some(judged_refresh(RefreshVerdict::Rotate)))
        });
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        assert_eq!(grant.refresh_token.expect("a token").digest(), receiver.recv().expect("stored"));
    }

    #[tokio::test]
    async fn a_reusable_token_stays_the_same() {
        let mut mocks = with_verdict(RefreshVerdict::Extend);
        expect_signing(&mut mocks, NOW);
        let grant = refresh(mocks, RefreshStyle::Reusable).await.expect("refreshed");
        assert_eq!(grant.refresh_token.expect("a token").expose(), secret().expose());
    }

    #[tokio::test]
    async fn a_retry_returns_the_first_answer() {
        let nonce = SuccessorNonce::from_bytes([2; 32]);
        let consumed_at = NOW.minus(Duration::from_secs(3));
        let mut mocks = with_verdict(RefreshVerdict::Retry { nonce: nonce.clone(), consumed_at });
        expect_signing(&mut mocks, consumed_at);
        let grant = refresh(mocks, RefreshStyle::Rotating).await.expect("refreshed");
        let first_answer = RefreshHandle::Secret(secret()).successor(&nonce).digest();
        assert_eq!(grant.refresh_token.expect("a token").digest(), first_answer);
        assert_eq!(grant.expires_in, Duration::from_secs(897));
        assert_eq!(grant.session_ends_in, Duration::from_secs(14 * 24 * 3_600 - 3));
    }

    #[tokio::test]
    async fn a_replay_is_reported_and_gets_no_token() {
        let mut mocks = with_verdict(RefreshVerdict::Replay);
        mocks.tokens.expect_sign().never();
        let error = refresh(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::Replayed(id) if id == session().id));
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
        let retry = RefreshVerdict::Retry { nonce: SuccessorNonce::from_bytes([2; 32]), consumed_at: NOW };
        for (verdict, line) in [
            (RefreshVerdict::Rotate, "session.refreshed user session"),
            (RefreshVerdict::Extend, "session.refreshed user session"),
            (retry, "session.refreshed user session (retry)"),
            (RefreshVerdict::Replay, "session.replayed used_before user session"),
            (RefreshVerdict::Deny(RefreshDenial::OtherClient), "session.refreshed other_client user session"),
            (RefreshVerdict::Deny(RefreshDenial::SessionOver), "session.refreshed session_over user session"),
            (
                RefreshVerdict::Deny(RefreshDenial::UserSuspended),
                "session.refreshed user_suspended user session",
            ),
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
        let mut mocks = with_verdict(RefreshVerdict::Rotate);
        mocks.tokens.expect_sign().once().returning(|_| Err(unavailable()));
        let recorder = mocks.recorder();
        assert!(refresh(mocks, RefreshStyle::Rotating).await.is_err());
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn an_access_token_is_not_accepted_as_an_opaque_one() {
        for style in [RefreshStyle::Rotating, RefreshStyle::Reusable] {
            let mut mocks = Mocks::new();
            mocks.sessions.expect_refresh().never();
            mocks.tokens.expect_verify().never();
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
        }
    }

    #[tokio::test]
    async fn an_expired_access_token_renews_itself_within_its_session() {
        let mut mocks = Mocks::new();
        mocks.tokens.expect_verify().once().return_const(Some(expired_claims()));
        let presented = RefreshHandle::Token(session().id, expired_claims().token_id).digest();
        mocks
            .sessions
            .expect_refresh()
            .once()
            .withf(move |attempt| attempt.presented == presented)
            .returning(|_| Ok(Some(judged_refresh(RefreshVerdict::Rotate))));
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
        mocks.auth().called_by(caller()).refresh_session(command).await
    }

    #[tokio::test]
    async fn a_successful_refresh_reads_and_writes_no_counter() {
        let mut mocks = with_verdict(RefreshVerdict::Rotate);
        expect_signing(&mut mocks, NOW);
        let attempts = MockAttemptLimiter::new();
        refresh_from_an_address(Mocks { attempts, ..mocks }).await.expect("refreshed");
    }

    #[tokio::test]
    async fn a_failed_refresh_is_counted_and_throttled() {
        for throttle in [None, Some(throttled())] {
            let mut mocks = Mocks { attempts: counters(1, throttle), ..Mocks::new() };
            mocks.sessions.expect_refresh().once().returning(|_| Ok(None));
            let error = refresh_from_an_address(mocks).await.expect_err("denied");
            match throttle {
                None => assert!(matches!(error, RefreshSessionError::InvalidToken)),
                Some(_) => assert!(matches!(error, RefreshSessionError::TooManyAttempts(_))),
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
        let mut mocks = Mocks { attempts, ..Mocks::new() };
        mocks.sessions.expect_refresh().once().returning(|_| Ok(None));
        let error = refresh_from_an_address(mocks).await.expect_err("denied");
        assert!(matches!(error, RefreshSessionError::TooManyAttempts(actual) if actual == throttled()));
    }
}
