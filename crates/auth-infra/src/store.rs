//! The stores behind one face, for a program that lets its operator choose.
//!
//! What a store does is in the ports; here is only its life: it is opened, its schema brought up to date, looked at to
//! see whether it is there, and closed.

mod error;
mod pool;
mod revoked;
mod schema;
mod stored;
mod work;

use std::sync::Arc;

use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, PortError, RevocationFeed, SessionRepository, UserRepository,
};

pub use self::error::StoreError;
pub(crate) use self::error::{CorruptValue, ErrorMessage};
pub(crate) use self::pool::{Lease, Pool};
pub(crate) use self::revoked::RevokedSessions;
pub(crate) use self::schema::Schema;
pub(crate) use self::stored::{StoredApiKey, StoredAuditEvent, StoredSession, StoredUser, may_begin, nonce};
pub(crate) use self::work::{ACQUIRE_TIMEOUT, DEADLINE, TxOutcome, within};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteStore;

/// One of the stores. Cloning it is cheap: the clones share their connections.
#[derive(Clone, Debug)]
pub enum Store {
    /// Embedded SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteStore),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
}

/// Runs the same call on whichever store it is.
macro_rules! on {
    ($store:expr, $each:ident => $call:expr) => {
        match $store {
            #[cfg(feature = "sqlite")]
            Self::Sqlite($each) => $call,
            #[cfg(feature = "postgres")]
            Self::Postgres($each) => $call,
        }
    };
}

impl Store {
    /// Brings the schema up to date. Several nodes may do so at the same time.
    ///
    /// # Errors
    /// When the store is away, or its schema is not one that this program can bring up to date: then nothing was
    /// changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        on!(self, store => store.migrate().await)
    }

    /// Numbers and names of the migrations that [`migrate`](Self::migrate) would run, in order. Changes nothing.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn pending_migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        on!(self, store => store.pending_migrations().await)
    }

    /// Whether the store can serve, told within two seconds: it answers, has its schema, can be written to and has a
    /// connection left.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), PortError> {
        on!(self, store => store.check().await)
    }

    /// Closes the connections when the calls under way are done; later calls are answered with
    /// [`PortError::Unavailable`].
    pub async fn close(&self) {
        on!(self, store => store.close().await);
    }

    /// The port to the stored users.
    #[must_use]
    pub fn users(&self) -> Arc<dyn UserRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// The port to the stored sessions.
    #[must_use]
    pub fn sessions(&self) -> Arc<dyn SessionRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// The port to the stored audit events.
    #[must_use]
    pub fn audit_events(&self) -> Arc<dyn AuditRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// The port to what is known of sessions that have ended: nothing, unless somebody [keeps](Self::sync_revocations) watch.
    #[must_use]
    pub fn revocations(&self) -> Arc<dyn RevocationFeed> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// Keeps what [`watch`](Self::watch) knows up to date, for as long as the store is not closed. A store that is away
    /// is looked for again and again.
    pub async fn sync_revocations(&self) {
        on!(self, store => store.sync_revocations().await);
    }

    /// The port to the stored API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<dyn ApiKeyRepository> {
        on!(self, store => Arc::new(store.clone()))
    }
}

#[cfg(feature = "sqlite")]
impl From<SqliteStore> for Store {
    fn from(store: SqliteStore) -> Self {
        Self::Sqlite(store)
    }
}

#[cfg(feature = "postgres")]
impl From<PostgresStore> for Store {
    fn from(store: PostgresStore) -> Self {
        Self::Postgres(store)
    }
}
