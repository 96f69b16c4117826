//! Users, sessions, API keys and the audit trail in memory.

mod records;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::records::MemoryRecords;
use crate::model::{
    ApiKey, ApiKeyId, AuditAggregator, AuditEvent, AuditFilter, AuditId, AuditRecord, ClientId, EndReason,
    IdentifierKey, ImportOutcome, ImportState, ImportedUser, JudgedRefresh, LoginRecord, NewApiKey,
    NewSession, NewUser, PasswordHash, PasswordVersion, RefreshAttempt, Roles, SecretDigest, Session,
    SessionId, SessionPolicy, Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus,
};
use crate::ports::{
    ApiKeyRepository, AuditLog, AuditRepository, OpenOutcome, PortError, RegisterOutcome, RevocationFeed,
    SessionRepository, SessionState, UpdateOutcome, UserRepository,
};
use crate::records::{self as stored, RecordStore};

/// Stores users, sessions, API keys and audit events in memory and fulfils the contracts of their ports. It is a
/// [`RecordStore`] over ordered maps.
///
/// It is meant for tests and experiments: the data is lost when it is dropped, and two processes cannot share it.
#[derive(Debug)]
pub struct MemoryStore {
    records: RecordStore<MemoryRecords>,
    /// The repeats of events that the log has received.
    repeats: Mutex<AuditAggregator>,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { records: RecordStore::new(MemoryRecords::default()), repeats: Mutex::default() }
    }

    /// Sets whether every call returns [`PortError::Unavailable`] and changes nothing, like a disconnected database.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.records.store().set_unavailable(unavailable);
    }

    /// Marks the e-mail address of a user as verified; returns `false` if the user does not exist.
    pub fn verify_email(&self, user: UserId) -> bool {
        self.records.store().run(|tx| stored::verify_email(tx, user)).unwrap_or(false)
    }

    /// All events, oldest first, even while the store is unavailable.
    pub fn audit_events(&self) -> Vec<AuditEvent> {
        self.append_repeats();
        let all = self.records.store().run(|tx| stored::all_audit_events(tx));
        all.unwrap_or_default().into_iter().map(|record| record.event).collect()
    }

    /// Appends the merged events of the current minute.
    fn append_repeats(&self) {
        let mut repeats = self.repeats();
        let due = repeats.take_all();
        self.append(&due);
    }

    /// Appends events, even while the store is unavailable. The lock on the repeats is held, so that the order is theirs.
    fn append(&self, events: &[AuditEvent]) {
        let appended = self.records.store().run(|tx| stored::append(tx, events));
        debug_assert!(appended.is_ok(), "an ordered map does not fail");
    }

    fn repeats(&self) -> MutexGuard<'_, AuditAggregator> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Stores an event immediately, or merges it. Nothing runs when a minute is over, so a reader ends the minute instead.
impl AuditLog for MemoryStore {
    fn record(&self, event: AuditEvent) {
        let mut repeats = self.repeats();
        let due = repeats.add(event);
        self.append(&due);
    }
}

#[async_trait]
impl AuditRepository for MemoryStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        AuditRepository::append(&self.records, events).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        self.records.store().check()?;
        self.append_repeats();
        AuditRepository::list(&self.records, filter, after, limit).await
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        self.records.store().check()?;
        self.append_repeats();
        self.records.latest(filter, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        AuditRepository::purge(&self.records, before, limit).await
    }
}

impl RevocationFeed for MemoryStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.records.session_state(session)
    }
}

/// Implements a port by the records.
macro_rules! delegate {
    ($port:ident { $(fn $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)* }) => {
        #[async_trait]
        impl $port for MemoryStore {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$result, PortError> {
                $port::$method(&self.records, $($argument),*).await
            })*
        }
    };
}

delegate! {
    UserRepository {
        fn register(user: &NewUser) -> RegisterOutcome;
        fn import(batch: &[ImportedUser]) -> Vec<ImportOutcome>;
        fn find_import_state(batch: &[ImportedUser]) -> ImportState;
        fn find(user: &UserRef) -> Option<User>;
        fn find_for_login(identifier: &IdentifierKey) -> Option<LoginRecord>;
        fn find_with_password(user: UserId) -> Option<LoginRecord>;
        fn list(after: Option<UserNumber>, limit: u32) -> Vec<User>;
        fn update(user: UserId, changes: &UserChanges, now: Timestamp) -> UpdateOutcome;
        fn change_password(user: UserId, version: PasswordVersion, hash: &PasswordHash, now: Timestamp) -> bool;
        fn upgrade_password_hash(user: UserId, old: &PasswordHash, new: &PasswordHash) -> bool;
        fn set_status(user: UserId, status: UserStatus, now: Timestamp) -> Option<User>;
        fn set_roles(user: UserId, roles: &Roles, now: Timestamp) -> Option<User>;
        fn delete(user: UserId) -> bool;
    }
}

delegate! {
    SessionRepository {
        fn open(session: &NewSession, policy: &SessionPolicy) -> OpenOutcome;
        fn find(session: SessionId) -> Option<(Session, User)>;
        fn find_by_family(family: &SecretDigest) -> Option<(Session, User)>;
        fn refresh(attempt: &RefreshAttempt) -> Option<JudgedRefresh>;
        fn end(session: SessionId, reason: EndReason, now: Timestamp) -> Option<Session>;
        fn end_by_family(
            family: &SecretDigest, client: &ClientId, reason: EndReason, now: Timestamp
        ) -> Option<Session>;
        fn purge(now: Timestamp, policy: &SessionPolicy, limit: u32) -> u64;
    }
}

delegate! {
    ApiKeyRepository {
        fn insert(key: &NewApiKey) -> ();
        fn find(digest: &SecretDigest) -> Option<ApiKey>;
        fn list() -> Vec<ApiKey>;
        fn revoke(key: ApiKeyId, now: Timestamp) -> bool;
        fn mark_used(key: ApiKeyId, now: Timestamp) -> ();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserRef;

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
        let state = store.session_state(SessionId(uuid::Uuid::nil()));
        assert_eq!(state, SessionState::Unknown);
        store.set_unavailable(false);
        assert_eq!(UserRepository::find(&store, &user).await.expect("available"), None);
    }

    #[tokio::test]
    async fn email_of_an_unknown_user_cannot_be_verified() {
        assert!(!MemoryStore::new().verify_email(UserId(uuid::Uuid::nil())));
    }
}
