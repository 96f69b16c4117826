//! The connections to a SQLite file: one writer and several readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth_domain::ports::PortError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::error::DbError;
use super::group_commit::GroupCommit;
use super::shared::Database;
use crate::sql::{ACQUIRE_TIMEOUT, Pool, StoreError, TxOutcome};

/// The SQLite file and the number of readers.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file. Its directory must exist. SQLite keeps two more files next to it, `-wal` and `-shm`.
    pub path: PathBuf,
    /// The maximum number of connections that read, at least 1, in addition to the one that writes. Default: 4.
    pub max_readers: u32,
}

impl SqliteSettings {
    /// Combines this file with the default number of readers.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_readers: 4 }
    }
}

/// Users, sessions, API keys and audit events in a SQLite file. Cloning it is cheap: the clones share their connections and the
/// revoked sessions.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) path: Arc<Path>,
    pub(super) db: Database,
}

impl SqliteStore {
    /// Creates a store. This opens no file, and the file need not exist: [`migrate`](Self::migrate) creates it.
    ///
    /// # Errors
    /// [`StoreError::Settings`] if the path is invalid; a port error if the thread cannot be started.
    pub fn connect(settings: &SqliteSettings) -> Result<Self, StoreError> {
        let path = settings.path.as_path();
        if !path.to_str().is_some_and(names_a_file) {
            return Err(StoreError::Settings("the path of the database names no file".to_owned()));
        }
        let writers = Pool::new(options(path), 1);
        let readers = Pool::new(options(path).pragma("query_only", "ON"), settings.max_readers);
        let thread = GroupCommit::start(writers.clone())?;
        // No error is worth a retry: SQLite itself waits for locks (busy timeout).
        Ok(Self { path: path.into(), db: Database { readers, writers, max_retries: 0, thread } })
    }

    pub(super) async fn check_access(&self) -> Result<(), PortError> {
        self.db.read((), |connection, ()| Box::pin(check_schema(connection))).await?;
        self.db.write((), |_, ()| Box::pin(async { Ok(TxOutcome::Rollback(())) })).await
    }
}

async fn check_schema(connection: &mut SqliteConnection) -> Result<(), DbError> {
    sqlx::query("SELECT count(*) FROM (SELECT 1 FROM accounts LIMIT 1)").fetch_one(connection).await?;
    Ok(())
}

/// SQLite gives the last two a meaning of their own.
fn names_a_file(path: &str) -> bool {
    !(path.is_empty() || path.contains('\0') || path == ":memory:" || path.starts_with("file:"))
}

/// The options of every connection. With FULL an acknowledged write is on disk, also after a power failure.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .disable_statement_logging()
}
