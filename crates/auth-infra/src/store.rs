//! One type over both stores, for a program whose operator chooses.
//!
//! The ports define what a store does. This type opens, migrates, checks and closes it. No module of this crate imports this one.

use std::sync::Arc;

use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, Clock, PortError, RevocationFeed, SessionRepository, UserRepository,
};

#[cfg(feature = "postgres")]
use crate::postgres::PostgresStore;
pub use crate::sql::{
    Cursor, EndedSessions, EndedSessionsPage, FeedUnavailable, InvalidCursor, MAX_WAIT, NodeKeys, StoreError,
};
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteStore;

/// SQLite or PostgreSQL. Cloning it is cheap: the clones share their connections.
#[derive(Clone, Debug)]
pub enum Store {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
}

/// Runs the same call on either store.
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
    /// Brings the schema up to date. Several nodes may call this at once.
    ///
    /// # Errors
    /// Fails if the store is unavailable, or if this program cannot bring the schema up to date. Then nothing changes.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        on!(self, store => store.migrate().await)
    }

    /// Returns number and name of the migrations that [`migrate`](Self::migrate) would run, in order. Changes nothing.
    ///
    /// # Errors
    /// See [`migrate`](Self::migrate).
    pub async fn pending_migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        on!(self, store => store.pending_migrations().await)
    }

    /// Checks within two seconds that the store answers, has its schema, accepts writes and has a free connection.
    ///
    /// # Errors
    /// Fails if the store cannot serve.
    pub async fn check(&self) -> Result<(), PortError> {
        on!(self, store => store.check().await)
    }

    /// Closes the idle connections, when the runtimes that opened them have ended.
    pub fn discard_idle_connections(&self) {
        on!(self, store => store.discard_idle_connections());
    }

    /// Waits for the active calls and closes the connections. Later calls fail with [`PortError::Unavailable`].
    pub async fn close(&self) {
        on!(self, store => store.close().await);
    }

    #[must_use]
    pub fn users(&self) -> Arc<dyn UserRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    #[must_use]
    pub fn sessions(&self) -> Arc<dyn SessionRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    #[must_use]
    pub fn audit_events(&self) -> Arc<dyn AuditRepository> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// Answers `Unknown` for live sessions unless [`sync_revocations`](Self::sync_revocations) runs.
    #[must_use]
    pub fn revocations(&self) -> Arc<dyn RevocationFeed> {
        on!(self, store => Arc::new(store.clone()))
    }

    /// Follows the revoked sessions until the store is closed. Reconnects whenever the store is unavailable.
    pub async fn sync_revocations(&self) {
        on!(self, store => store.sync_revocations().await);
    }

    /// The feed of ended sessions for resource servers. It is unavailable unless [`sync_revocations`](Self::sync_revocations) runs.
    #[must_use]
    pub fn ended_sessions(&self, clock: Arc<dyn Clock>) -> EndedSessions {
        on!(self, store => store.ended_sessions(clock))
    }

    /// Records with which keys the node with this random number signs. Returns the keys of the other nodes that serve the
    /// store. On SQLite there is none.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, unused_variables, reason = "only PostgreSQL has several nodes")
    )]
    pub async fn exchange_keys(&self, node: [u8; 16], keys: &NodeKeys) -> Result<Vec<NodeKeys>, PortError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(Vec::new()),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.exchange_keys(node, keys).await,
        }
    }

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
