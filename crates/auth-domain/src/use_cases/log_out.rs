//! Log out: end a session at the request of its user.

use crate::UseCases;
use crate::model::{AuditAction, Client, EndReason, SessionId};
use crate::ports::PortError;

use super::audit_entry::AuditEntry;

/// The session to end.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogOut<'a> {
    /// The session with this id. The caller has verified that the user owns it.
    Session(SessionId),
    /// The session that a refresh token belongs to, whether or not the token is consumed.
    RefreshToken {
        /// The client that presents the token.
        client: &'a Client,
        /// The token with which the client would refresh the session.
        token: &'a str,
    },
}

impl UseCases {
    /// Ends a session and returns its id. Returns `None` when no session was ended, which is not an error: logging out
    /// is idempotent.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn log_out(&self, command: LogOut<'_>) -> Result<Option<SessionId>, PortError> {
        let now = self.core.ports.clock.now();
        let sessions = &self.core.ports.sessions;
        let ended = match command {
            LogOut::Session(id) => sessions.end(id, EndReason::LoggedOut, now).await?,
            LogOut::RefreshToken { client, token } => match self.parse_refresh_token(client, token, now) {
                Some((token, _)) => {
                    sessions.end_by_family(&token.family(), &client.id, EndReason::LoggedOut, now).await?
                }
                None => None,
            },
        };
        let ended = ended.inspect(|session| {
            self.audit(AuditEntry::succeeded(AuditAction::UserLoggedOut).session(session));
        });
        Ok(ended.map(|session| session.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RefreshSecret, RefreshStyle, RefreshToken};
    use crate::use_cases::fixture::{Mocks, NOW, client, session, unavailable};

    #[tokio::test]
    async fn ends_the_given_session() {
        let mut mocks = Mocks::new();
        mocks
            .sessions
            .expect_end()
            .once()
            .withf(|id, reason, now| *id == session().id && *reason == EndReason::LoggedOut && *now == NOW)
            .returning(|_, _, _| Ok(Some(session())));
        let recorder = mocks.recorder();
        let ended = mocks.auth().log_out(LogOut::Session(session().id)).await.expect("logged out");
        assert_eq!(ended, Some(session().id));
        assert_eq!(recorder.lines(), ["user.logged_out user session"]);
    }

    #[tokio::test]
    async fn a_failed_log_out_is_not_audited() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_end().once().returning(|_, _, _| Err(unavailable()));
        let recorder = mocks.recorder();
        assert!(mocks.auth().log_out(LogOut::Session(session().id)).await.is_err());
        assert_eq!(recorder.events(), []);
    }

    #[tokio::test]
    async fn logging_out_twice_is_not_an_error() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_end().once().returning(|_, _, _| Ok(None));
        let recorder = mocks.recorder();
        let ended = mocks.auth().log_out(LogOut::Session(session().id)).await.expect("logged out");
        assert_eq!(ended, None);
        assert_eq!(recorder.events(), [], "there was nothing to end");
    }

    #[tokio::test]
    async fn ends_the_session_of_a_refresh_token() {
        let secret = RefreshSecret::from_parts(&[1; 16], &[2; 32]);
        let token = secret.expose();
        let family = RefreshToken::Opaque(secret).family();
        let mut mocks = Mocks::new();
        mocks
            .sessions
            .expect_end_by_family()
            .once()
            .withf(move |presented, client, _, _| *presented == family && client.as_str() == "example")
            .returning(|_, _, _, _| Ok(Some(session())));
        let client = client(RefreshStyle::Reusable);
        let command = LogOut::RefreshToken { client: &client, token: &token };
        assert_eq!(mocks.auth().log_out(command).await.expect("logged out"), Some(session().id));
    }

    #[tokio::test]
    async fn an_invalid_token_ends_nothing_without_a_query() {
        let mut mocks = Mocks::new();
        mocks.sessions.expect_end_by_family().never();
        let client = client(RefreshStyle::Reusable);
        let command = LogOut::RefreshToken { client: &client, token: "ref_nonsense" };
        assert_eq!(mocks.auth().log_out(command).await.expect("logged out"), None);
    }
}
