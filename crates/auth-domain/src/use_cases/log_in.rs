//! Log in: verify a password and begin a session.

use thiserror::Error;

use crate::UseCases;
use crate::extensions::HookError;
use crate::model::{
    AuditAction, Client, CounterKey, DenialReason, IdentifierKey, LoginRecord, NewSession, PasswordAttempt,
    PasswordHash, RefreshToken, RefusalCode, Session, SessionId, Throttled, User, UserId, uuid_v7,
};
use crate::ports::{OpenOutcome, PortError};

use super::TokenGrant;
use super::attempts::AttemptError;
use super::audit_entry::AuditEntry;

/// The command to log in.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogIn<'a> {
    /// The client that the tokens are issued to.
    pub client: &'a Client,
    /// The username or the e-mail address, as typed.
    pub identifier: &'a str,
    /// The password, as typed.
    pub password: PasswordAttempt,
}

impl<'a> LogIn<'a> {
    /// Creates the command.
    #[must_use]
    pub fn new(client: &'a Client, identifier: &'a str, password: PasswordAttempt) -> Self {
        Self { client, identifier, password }
    }
}

/// No session began.
#[derive(Debug, Error)]
pub enum LogInError {
    /// The user does not exist, has no password or is suspended, or the password is wrong. The cases are indistinguishable to the
    /// caller and cost the same work.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Too many attempts have failed. The password was not verified.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// The password was verified, and a hook refused the session.
    #[error("refused: {0}")]
    Refused(RefusalCode),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Logs a user in.
    ///
    /// # Errors
    /// [`LogInError::InvalidCredentials`], without the reason. [`LogInError::TooManyAttempts`], whether or not the user
    /// exists. [`LogInError::Refused`] when a hook refuses the session of a user whose password was verified.
    pub async fn log_in(&self, command: LogIn<'_>) -> Result<TokenGrant, LogInError> {
        let record = self.find_by_identifier(command.identifier).await?;
        let account = match &record {
            Some(record) => CounterKey::of_user(record.user.id),
            None => CounterKey::of_unknown(command.identifier),
        };
        let denied =
            AuditEntry::unverified(AuditAction::UserLoggedIn, record.as_ref()).client(&command.client.id);
        let Some(verified) = self.verify_password(account, record, &command.password, denied).await? else {
            return Err(LogInError::InvalidCredentials);
        };
        // The session is opened with the version of the verified password. An upgraded hash keeps that version, so the
        // upgrade may precede it.
        if let Some(outdated) = &verified.outdated_hash {
            self.upgrade_hash(verified.record.user.id, outdated, &command.password).await;
        }
        self.permit_session(command.client, &verified.record.user).await?;
        self.open_session(command.client, verified.record).await
    }

    /// Finds the user with this identifier. Text that cannot be an identifier is handled like an unknown one.
    async fn find_by_identifier(&self, identifier: &str) -> Result<Option<LoginRecord>, PortError> {
        match IdentifierKey::of(identifier) {
            Ok(key) => self.core.ports.users.find_for_login(&key).await,
            Err(_) => Ok(None),
        }
    }

    /// Replaces an outdated hash while the password is available.
    async fn upgrade_hash(&self, user: UserId, outdated: &PasswordHash, password: &PasswordAttempt) {
        // Errors are ignored: the login succeeds regardless, and the next one tries again.
        if let Ok(better) = self.core.ports.hasher.hash(&password.as_password(), self.caller_key()).await {
            let _ = self.core.ports.users.upgrade_password_hash(user, outdated, &better).await;
        }
    }

    /// Runs the hooks that may refuse a session. The password was verified, so neither their time nor their answer tells whether
    /// the account exists.
    async fn permit_session(&self, client: &Client, user: &User) -> Result<(), LogInError> {
        self.before_session(user, client).await.map_err(|error| match error {
            HookError::Port(error) => LogInError::Port(error),
            HookError::Refused(code) => {
                let denied = AuditEntry::denied(AuditAction::UserLoggedIn, DenialReason::RefusedByHook);
                self.audit(denied.user(user.id).client(&client.id).detail(&code));
                LogInError::Refused(code)
            }
        })
    }

    /// Signs the first access token and stores the session.
    async fn open_session(&self, client: &Client, record: LoginRecord) -> Result<TokenGrant, LogInError> {
        // The source may take a while, so it is asked before the session gets its times.
        let extra = self.extra_claims(&record.user, client).await?;
        let now = self.core.ports.clock.now();
        let id = SessionId(uuid_v7(now, &*self.core.ports.random));
        let token = RefreshToken::generate(client.refresh_style, id, &*self.core.ports.random);
        let session = Session {
            id,
            user_id: record.user.id,
            client_id: client.id.clone(),
            created_at: now,
            last_refreshed_at: now,
            expires_at: now.plus(self.core.policy.session.absolute),
            end: None,
        };
        let (family, credential) = (token.family(), token.credential());
        // The token is signed before the session is stored. If signing fails, no session without tokens is left behind,
        // which would count against the user's maximum.
        let grant = self.grant(client, record.user, &session, token, extra, now)?;
        let (password_version, roles) = (record.password.version, grant.user.roles.clone());
        let new = NewSession { session, family, credential, password_version, roles };
        // Verification takes a while. The transaction that opens the session compares status, password version and
        // roles again, so that no concurrent change is missed.
        match self.core.ports.sessions.open(&new, &self.core.policy.session).await? {
            OpenOutcome::Opened => {
                self.audit(AuditEntry::succeeded(AuditAction::UserLoggedIn).session(&new.session));
                Ok(grant)
            }
            OpenOutcome::Denied => {
                let denied = AuditEntry::denied(AuditAction::UserLoggedIn, DenialReason::ChangedMeanwhile);
                self.audit(denied.user(new.session.user_id).client(&client.id));
                Err(LogInError::InvalidCredentials)
            }
        }
    }
}

impl From<AttemptError> for LogInError {
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

    use super::*;
    use crate::model::{IssuedToken, PasswordHash, PasswordVersion, RefreshStyle};
    use crate::ports::PasswordVerdict;
    use crate::use_cases::fixture::{
        Mocks, NOW, client, hash, login_record, suspended_user, unavailable, user,
    };

    async fn log_in(mocks: Mocks, style: RefreshStyle) -> Result<TokenGrant, LogInError> {
        let client = client(style);
        let password = PasswordAttempt::new("P@ssw0rd!");
        mocks.auth().log_in(LogIn { client: &client, identifier: "John_Doe", password }).await
    }

    /// Mocks in which the user exists and the password verification has this result.
    fn with_verdict(verdict: PasswordVerdict) -> Mocks {
        let mut mocks = Mocks::new();
        mocks
            .users
            .expect_find_for_login()
            .once()
            .withf(|key| key.as_str() == "john_doe")
            .returning(|_| Ok(Some(login_record(user()))));
        mocks
            .hasher
            .expect_verify()
            .once()
            .withf(|_, stored, _| stored.map(PasswordHash::expose) == Some("stored hash"))
            .returning(move |_, _, _| Ok(verdict));
        mocks
    }

    /// Expects one verification of the decoy hash and nothing after it.
    fn expect_decoy(mocks: &mut Mocks) {
        mocks
            .hasher
            .expect_verify()
            .once()
            .withf(|_, stored, _| stored.is_none())
            .returning(|_, _, _| Ok(PasswordVerdict::Differs));
        mocks.sessions.expect_open().never();
        mocks.tokens.expect_sign().never();
    }

    fn opened(mocks: &mut Mocks) {
        mocks
            .sessions
            .expect_open()
            .once()
            .withf(|new, _| {
                new.session.user_id == user().id
                    && new.session.last_refreshed_at == NOW
                    && new.session.expires_at == NOW.plus(Duration::from_secs(30 * 24 * 3_600))
                    && new.password_version == PasswordVersion(3)
                    && new.roles == user().roles
            })
            .returning(|_, _| Ok(OpenOutcome::Opened));
        mocks.tokens.expect_sign().once().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
    }

    #[tokio::test]
    async fn the_correct_password_opens_a_session() {
        let mut mocks = with_verdict(PasswordVerdict::Matches);
        opened(&mut mocks);
        let grant = log_in(mocks, RefreshStyle::Rotating).await.expect("logged in");
        assert_eq!(grant.access_token.expose(), "signed");
        assert_eq!(grant.expires_in, Duration::from_secs(900));
        assert_eq!(grant.session_ends_in, Duration::from_secs(14 * 24 * 3_600));
        assert!(grant.refresh_token.is_some());
    }

    #[tokio::test]
    async fn a_self_renewing_client_gets_no_refresh_token() {
        let mut mocks = with_verdict(PasswordVerdict::Matches);
        opened(&mut mocks);
        assert!(log_in(mocks, RefreshStyle::SelfRenewing).await.expect("logged in").refresh_token.is_none());
    }

    #[tokio::test]
    async fn a_wrong_password_opens_no_session() {
        let mut mocks = with_verdict(PasswordVerdict::Differs);
        mocks.sessions.expect_open().never();
        mocks.hasher.expect_hash().never();
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn an_unknown_user_costs_one_verification() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_for_login().once().returning(|_| Ok(None));
        expect_decoy(&mut mocks);
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn an_invalid_identifier_costs_one_verification() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_for_login().never();
        expect_decoy(&mut mocks);
        let client = client(RefreshStyle::Rotating);
        let command = LogIn { client: &client, identifier: "a\0b", password: PasswordAttempt::new("x") };
        let error = mocks.auth().log_in(command).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn an_overlong_password_costs_one_verification() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_for_login().once().returning(|_| Ok(Some(login_record(user()))));
        expect_decoy(&mut mocks);
        let client = client(RefreshStyle::Rotating);
        let password = PasswordAttempt::new(&"a".repeat(256));
        let command = LogIn { client: &client, identifier: "john_doe", password };
        let error = mocks.auth().log_in(command).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn a_suspended_user_gets_invalid_credentials() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_for_login().once().returning(|_| Ok(Some(login_record(suspended_user()))));
        mocks.hasher.expect_verify().once().returning(|_, _, _| Ok(PasswordVerdict::MatchesOutdated));
        mocks.hasher.expect_hash().never();
        mocks.sessions.expect_open().never();
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
    }

    #[tokio::test]
    async fn an_outdated_hash_is_replaced_at_login() {
        let mut mocks = with_verdict(PasswordVerdict::MatchesOutdated);
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("better".to_owned())));
        mocks
            .users
            .expect_upgrade_password_hash()
            .once()
            .withf(|id, old, new| *id == user().id && *old == hash() && new.expose() == "better")
            .returning(|_, _, _| Ok(true));
        opened(&mut mocks);
        log_in(mocks, RefreshStyle::Rotating).await.expect("logged in");
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_replaced_does_not_fail_the_login() {
        let mut mocks = with_verdict(PasswordVerdict::MatchesOutdated);
        mocks.hasher.expect_hash().once().returning(|_, _| Err(PortError::Overloaded));
        mocks.users.expect_upgrade_password_hash().never();
        opened(&mut mocks);
        log_in(mocks, RefreshStyle::Rotating).await.expect("logged in");
    }

    #[tokio::test]
    async fn a_concurrent_password_change_denies_the_log_in() {
        let mut mocks = with_verdict(PasswordVerdict::Matches);
        mocks.tokens.expect_sign().once().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
        mocks.sessions.expect_open().once().returning(|_, _| Ok(OpenOutcome::Denied));
        let recorder = mocks.recorder();
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, LogInError::InvalidCredentials));
        assert_eq!(recorder.lines(), ["user.logged_in changed_meanwhile user"]);
    }

    #[tokio::test]
    async fn every_outcome_is_audited() {
        for (found, verdict, line) in [
            (Some(user()), PasswordVerdict::Matches, "user.logged_in user another session"),
            (Some(user()), PasswordVerdict::Differs, "user.logged_in wrong_password user"),
            (Some(suspended_user()), PasswordVerdict::Matches, "user.logged_in user_suspended user"),
            (None, PasswordVerdict::Differs, "user.logged_in unknown_user"),
        ] {
            let mut mocks = Mocks::new();
            let found = found.map(login_record);
            mocks.users.expect_find_for_login().once().return_once(|_| Ok(found));
            mocks.hasher.expect_verify().once().returning(move |_, _, _| Ok(verdict));
            mocks.tokens.expect_sign().returning(|_| Ok(IssuedToken::new("signed".to_owned())));
            mocks.sessions.expect_open().returning(|_, _| Ok(OpenOutcome::Opened));
            let recorder = mocks.recorder();
            let _ = log_in(mocks, RefreshStyle::Rotating).await;
            assert_eq!(recorder.lines(), [line]);
            assert_eq!(recorder.events()[0].client, Some(client(RefreshStyle::Rotating).id));
        }
    }

    #[tokio::test]
    async fn a_signing_error_stores_no_session() {
        let mut mocks = with_verdict(PasswordVerdict::Matches);
        let recorder = mocks.recorder();
        mocks.tokens.expect_sign().once().returning(|_| Err(unavailable()));
        mocks.sessions.expect_open().never();
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("denied");
        assert!(matches!(error, LogInError::Port(PortError::Unavailable(_))));
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn a_store_error_is_not_a_wrong_password() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find_for_login().once().returning(|_| Err(unavailable()));
        mocks.hasher.expect_verify().never();
        let error = log_in(mocks, RefreshStyle::Rotating).await.expect_err("unavailable");
        assert!(matches!(error, LogInError::Port(PortError::Unavailable(_))));
    }
}
