//! Users, sessions, API keys and the audit trail in memory.

mod api_keys;
mod audit;
mod sessions;
mod users;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{
    AuditEvent, AuditId, AuditRecord, CredentialState, EndReason, IdentifierKey, ImportDigest, NewApiKey,
    SecretDigest, Session, SessionEnd, SessionId, StoredPassword, Timestamp, User, UserId, UserNumber,
};
use crate::ports::{BoxError, PortError};

/// Keeps users, sessions, API keys and audit events for as long as it lives, and keeps the contracts of their ports: every
/// call holds one lock from its first look to its last change, which makes it a transaction.
///
/// It is for tests and for trying things out: what it holds is gone with it, and it is of no use to two processes.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    away: bool,
    last_number: i64,
    users: HashMap<UserId, UserEntry>,
    numbers: BTreeMap<UserNumber, UserId>,
    /// The one uniqueness space of usernames and e-mail addresses.
    names: HashMap<IdentifierKey, UserId>,
    /// Who was brought by an import.
    imports: BTreeMap<ImportDigest, UserId>,
    sessions: BTreeMap<SessionId, Session>,
    credentials: HashMap<SecretDigest, Credential>,
    api_keys: Vec<NewApiKey>,
    audit: Vec<AuditRecord>,
    last_audit_id: i64,
}

#[derive(Debug)]
struct UserEntry {
    user: User,
    password: StoredPassword,
}

#[derive(Debug)]
struct Credential {
    session: SessionId,
    state: CredentialState,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on answers [`PortError::Unavailable`] to everything and changes nothing, or no longer does: as a
    /// database that went away and came back.
    pub fn set_away(&self, away: bool) {
        self.lock().away = away;
    }

    /// Notes that the user's e-mail address has been shown to be theirs; `false` when there is no such user.
    pub fn verify_email(&self, user: UserId) -> bool {
        let mut state = self.lock();
        let entry = state.users.get_mut(&user);
        entry.map(|entry| entry.user.email_verified = true).is_some()
    }

    /// The state, whatever a panic left it in: each call changes it only when nothing can fail any more.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let state = self.lock();
        if state.away { Err(PortError::Unavailable(BoxError::from("the store is away"))) } else { Ok(state) }
    }
}

impl State {
    /// Ends a session and returns it. Returns `None` when it does not exist or has ended before.
    fn end_session(&mut self, session: SessionId, reason: EndReason, at: Timestamp) -> Option<Session> {
        let session = self.sessions.get_mut(&session).filter(|session| session.end.is_none())?;
        session.end = Some(SessionEnd { at, reason });
        Some(session.clone())
    }

    /// Appends events under the next numbers.
    fn append(&mut self, events: &[AuditEvent]) {
        for event in events {
            self.last_audit_id += 1;
            self.audit.push(AuditRecord { id: AuditId(self.last_audit_id), event: event.clone() });
        }
    }

    /// Ends every session of `user` that has not ended before.
    fn end_sessions_of(&mut self, user: UserId, reason: EndReason, at: Timestamp) {
        for session in self.sessions.values_mut().filter(|session| session.user_id == user) {
            session.end.get_or_insert(SessionEnd { at, reason });
        }
    }

    /// Drops the sessions that are not to be kept, with their credentials.
    fn retain_sessions(&mut self, keep: impl Fn(&Session) -> bool) {
        self.sessions.retain(|_, session| keep(session));
        self.credentials.retain(|_, credential| self.sessions.contains_key(&credential.session));
    }
}

fn corrupt(what: &'static str) -> PortError {
    PortError::Corrupt(BoxError::from(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserRef;
    use crate::ports::{ApiKeyRepository, SessionRepository, UserRepository};

    #[tokio::test]
    async fn unavailable_store_fails_until_it_is_back() {
        let store = MemoryStore::new();
        store.set_away(true);
        let user = UserRef::Number(UserNumber(1));
        let away = UserRepository::find(&store, &user).await;
        assert!(matches!(away, Err(PortError::Unavailable(_))));
        let away = store.end(SessionId(uuid::Uuid::nil()), EndReason::LoggedOut, Timestamp::MAX).await;
        assert!(matches!(away, Err(PortError::Unavailable(_))));
        assert!(matches!(ApiKeyRepository::list(&store).await, Err(PortError::Unavailable(_))));
        store.set_away(false);
        assert_eq!(UserRepository::find(&store, &user).await.expect("back"), None);
    }

    #[tokio::test]
    async fn email_of_an_unknown_user_cannot_be_verified() {
        assert!(!MemoryStore::new().verify_email(UserId(uuid::Uuid::nil())));
    }
}
