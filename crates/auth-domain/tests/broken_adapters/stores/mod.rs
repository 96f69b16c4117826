//! An in-memory store with one selectable fault.

mod api_keys;
mod audit_events;
mod faults;
mod registration;
mod session_opening;
mod session_refresh;
mod sessions;
mod user_changes;
mod user_imports;
mod users;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use auth_domain::conformance::StoreUnderTest;
use auth_domain::model::{
    ApiKeyId, AuditId, ConsumedCredential, IdentifierKey, ImportedUser, NewApiKey, NewSession, SecretDigest,
    Session, SessionId, Timestamp, User, UserId,
};
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, BoxError, PortError, RevocationFeed, SessionRepository, SessionState,
    UserRepository,
};
use auth_domain::testing::MemoryStore;
use tokio::task::yield_now;

pub(crate) use faults::{DETECTED_BY, Fault};

/// The earlier calls, as far as the faults need them.
#[derive(Default)]
struct CallLog {
    users: HashMap<UserId, User>,
    opened: Vec<NewSession>,
    /// Sessions that are returned differently from how they are stored.
    altered: HashMap<SessionId, (Session, User)>,
    /// The sessions by token family.
    families: HashMap<SecretDigest, SessionId>,
    /// Every consumed credential by token family, oldest first.
    consumed: HashMap<SecretDigest, Vec<ConsumedCredential>>,
    last_rotated: Option<SecretDigest>,
    /// The families whose consumed credentials a purge has erased.
    erased: HashSet<SecretDigest>,
    locked_names: Vec<IdentifierKey>,
    freed_names: Vec<IdentifierKey>,
    hash_upgraded: Vec<UserId>,
    imported: Vec<ImportedUser>,
    suspended_before: Vec<UserId>,
    deleted: Vec<UserId>,
    shown: HashMap<UserId, Option<User>>,
    keys: Vec<NewApiKey>,
    last_uses: Vec<(ApiKeyId, Timestamp)>,
    events_held_back: Vec<AuditId>,
    made: u64,
}

/// A store with one fault.
pub(crate) struct FaultyStore {
    inner: Arc<MemoryStore>,
    fault: Fault,
    log: Mutex<CallLog>,
    calls: AtomicUsize,
}

/// Counts a call as running until it is dropped.
struct Call<'a>(&'a AtomicUsize);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FaultyStore {
    pub(crate) fn by(fault: Fault) -> Self {
        Self::over(Arc::default(), fault)
    }

    fn over(inner: Arc<MemoryStore>, fault: Fault) -> Self {
        Self { inner, fault, log: Mutex::default(), calls: AtomicUsize::new(0) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn log(&self) -> MutexGuard<'_, CallLog> {
        self.log.lock().expect("no panic under the lock")
    }

    fn was_deleted_with_its_user(&self, session: SessionId) -> bool {
        let log = self.log();
        let owner = log.opened.iter().find(|new| new.session.id == session).map(|new| new.session.user_id);
        owner.is_some_and(|owner| log.deleted.contains(&owner))
    }

    /// Begins a call. It yields, so that concurrent calls interleave as they do with a real database.
    async fn begin(&self) -> Result<Call<'_>, PortError> {
        let others = self.calls.fetch_add(1, Ordering::SeqCst);
        let call = Call(&self.calls);
        if others > 0 && self.is(Fault::FailsOnConcurrentCalls) {
            return Err(unavailable("database is locked"));
        }
        yield_now().await;
        Ok(call)
    }
}

/// The first 16 bytes, which is all that a store with truncated digests compares.
fn first_half(digest: &SecretDigest) -> [u8; 16] {
    std::array::from_fn(|index| digest.as_bytes()[index])
}

fn unavailable(why: &'static str) -> PortError {
    PortError::Unavailable(BoxError::from(why))
}

impl RevocationFeed for FaultyStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        match self.fault {
            Fault::ReportsEverySessionLive => SessionState::Live,
            Fault::ReportsEverySessionEnded => SessionState::Ended,
            Fault::MissesDeletions if self.was_deleted_with_its_user(session) => SessionState::Live,
            _ => self.inner.session_state(session),
        }
    }
}

#[async_trait]
impl StoreUnderTest for FaultyStore {
    fn users(&self) -> &dyn UserRepository {
        self
    }

    fn sessions(&self) -> &dyn SessionRepository {
        self
    }

    fn revocations(&self) -> &dyn RevocationFeed {
        self
    }

    fn api_keys(&self) -> &dyn ApiKeyRepository {
        self
    }

    fn audit_events(&self) -> &dyn AuditRepository {
        self
    }

    async fn verify_email(&self, user: UserId) {
        self.inner.verify_email(user);
    }

    async fn reopen(&self) -> Option<Box<dyn StoreUnderTest>> {
        let inner = if self.is(Fault::KeepsDataInMemory) { Arc::default() } else { Arc::clone(&self.inner) };
        Some(Box::new(Self::over(inner, Fault::None)))
    }
}
