//! Users, sessions, API keys and the audit trail in memory.

mod api_keys;
mod audit;
mod sessions;
mod users;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{
    AuditAggregator, AuditEvent, AuditId, AuditRecord, CredentialChain, EndReason, IdentifierKey,
    ImportDigest, NewApiKey, SecretDigest, Session, SessionEnd, SessionId, StoredPassword, Timestamp, User,
    UserId, UserNumber,
};
use crate::ports::{BoxError, PortError};

/// Stores users, sessions, API keys and audit events in memory and fulfils the contracts of their ports. Every call holds one
/// lock from its first read to its last write, so it is a transaction.
///
/// It is meant for tests and experiments: the data is lost when it is dropped, and two processes cannot share it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    unavailable: bool,
    last_number: i64,
    users: HashMap<UserId, UserEntry>,
    numbers: BTreeMap<UserNumber, UserId>,
    /// Usernames and e-mail addresses, unique in one namespace.
    names: HashMap<IdentifierKey, UserId>,
    /// The users that an import stored.
    imports: BTreeMap<ImportDigest, UserId>,
    sessions: BTreeMap<SessionId, Session>,
    /// The sessions by token family, each with its refresh credentials.
    families: HashMap<SecretDigest, Family>,
    api_keys: Vec<NewApiKey>,
    audit: Vec<AuditRecord>,
    /// The repeats of events that the log has received.
    aggregator: AuditAggregator,
    last_audit_id: i64,
}

#[derive(Debug)]
struct UserEntry {
    user: User,
    password: StoredPassword,
}

#[derive(Debug)]
struct Family {
    session: SessionId,
    chain: CredentialChain,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether every call returns [`PortError::Unavailable`] and changes nothing, like a disconnected database.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// Marks the e-mail address of a user as verified; returns `false` if the user does not exist.
    pub fn verify_email(&self, user: UserId) -> bool {
        let mut state = self.lock();
        let entry = state.users.get_mut(&user);
        entry.map(|entry| entry.user.email_verified = true).is_some()
    }

    /// Locks the state. A poisoned lock is used as it is: a call changes the state only after everything that can fail, so a
    /// panic leaves it consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, PortError> {
        let state = self.lock();
        if state.unavailable {
            return Err(PortError::Unavailable(BoxError::from("the store is set to be unavailable")));
        }
        Ok(state)
    }
}

impl State {
    /// Ends a session and returns it. Returns `None` when it does not exist or has ended before.
    fn end_session(&mut self, session: SessionId, reason: EndReason, at: Timestamp) -> Option<Session> {
        let session = self.sessions.get_mut(&session).filter(|session| session.end.is_none())?;
        session.end = Some(SessionEnd { at, reason });
        Some(session.clone())
    }

    /// Appends events with the next numbers.
    fn append(&mut self, events: &[AuditEvent]) {
        for event in events {
            self.last_audit_id += 1;
            self.audit.push(AuditRecord { id: AuditId(self.last_audit_id), event: event.clone() });
        }
    }

    /// Appends the merged events of the current minute.
    fn append_repeats(&mut self) {
        let repeats = self.aggregator.take_all();
        self.append(&repeats);
    }

    /// Ends every session of `user` that has not ended before.
    fn end_sessions_of(&mut self, user: UserId, reason: EndReason, at: Timestamp) {
        for session in self.sessions.values_mut().filter(|session| session.user_id == user) {
            session.end.get_or_insert(SessionEnd { at, reason });
        }
    }

    /// Deletes the sessions for which `keep` is false, with their token families.
    fn retain_sessions(&mut self, keep: impl Fn(&Session) -> bool) {
        self.sessions.retain(|_, session| keep(session));
        self.families.retain(|_, family| self.sessions.contains_key(&family.session));
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
        store.set_unavailable(true);
        let user = UserRef::Number(UserNumber(1));
        let found = UserRepository::find(&store, &user).await;
        assert!(matches!(found, Err(PortError::Unavailable(_))));
        let found = store.end(SessionId(uuid::Uuid::nil()), EndReason::LoggedOut, Timestamp::MAX).await;
        assert!(matches!(found, Err(PortError::Unavailable(_))));
        assert!(matches!(ApiKeyRepository::list(&store).await, Err(PortError::Unavailable(_))));
        store.set_unavailable(false);
        assert_eq!(UserRepository::find(&store, &user).await.expect("available"), None);
    }

    #[tokio::test]
    async fn email_of_an_unknown_user_cannot_be_verified() {
        assert!(!MemoryStore::new().verify_email(UserId(uuid::Uuid::nil())));
    }
}
