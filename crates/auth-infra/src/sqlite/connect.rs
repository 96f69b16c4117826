//! The connections to a SQLite file: one that writes, several that read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::ports::PortError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::time::timeout;

use super::group_commit::GroupCommit;
use crate::store::{ACQUIRE_TIMEOUT, Pool, StoreError, TxOutcome, within};

/// Where the SQLite file is and how many connections may read it.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file. Its directory has to be there; SQLite keeps two more files beside it, `-wal` and `-shm`.
    pub path: PathBuf,
    /// The most connections that read at a time, at least 1, beside the one that writes. Default: 4.
    pub max_readers: u32,
}

impl SqliteSettings {
    /// The default settings for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_readers: 4 }
    }
}

/// Users, sessions, API keys and audit events in a SQLite file. Cloning it is cheap: the clones share their connections,
/// and what they know of ended sessions.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) path: Arc<Path>,
    pub(super) readers: Pool<SqliteConnection>,
    pub(super) writer: Pool<SqliteConnection>,
    /// What writes on it for those calls that come often.
    pub(super) group: GroupCommit,
}

impl SqliteStore {
    /// A store in a file. Nothing is opened yet, and the file need not be there: [`migrate`](Self::migrate) makes it.
    ///
    /// # Errors
    /// [`StoreError::Settings`] when the path makes no sense; a port's error when no thread can be started.
    pub fn connect(settings: &SqliteSettings) -> Result<Self, StoreError> {
        let path = settings.path.as_path();
        // SQLite would take the last two for something else than a file of that name.
        let names_a_file = |path: &str| {
            !(path.is_empty() || path.contains('\0') || path == ":memory:" || path.starts_with("file:"))
        };
        if !path.to_str().is_some_and(names_a_file) {
            return Err(StoreError::Settings("the path of the database names no file".to_owned()));
        }
        let writer = Pool::new(options(path), 1);
        Ok(Self {
            path: path.into(),
            readers: Pool::new(options(path).pragma("query_only", "ON"), settings.max_readers),
            group: GroupCommit::start(writer.clone())?,
            writer,
        })
    }

    /// Whether the store can serve, told within two seconds: the file and the schema are there, can be read and can be
    /// written to.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), PortError> {
        const CHECK: &str = "SELECT count(*) FROM (SELECT 1 FROM accounts LIMIT 1)";
        let read = self.read(|mut lease| async move {
            let schema_is_there = sqlx::query(CHECK).fetch_one(&mut *lease).await;
            lease.answered(schema_is_there).map(|_| ())
        });
        let write = self.transaction(|lease| lease.end(Ok(TxOutcome::<()>::Rollback(()))));
        let both = pin!(async {
            read.await?;
            write.await
        });
        within(ACQUIRE_TIMEOUT, both).await
    }

    /// Closes the connections when the calls under way are done; later calls are answered with
    /// [`PortError::Unavailable`].
    pub async fn close(&self) {
        // No call takes longer than this.
        let closed = async {
            self.readers.close().await;
            // The last connection to close empties the write-ahead log into the file; a reader could not.
            self.writer.close().await;
        };
        let _ = timeout(Duration::from_secs(5), closed).await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// How every connection is made: an acknowledged write is on disk (FULL), and foreign keys are kept.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .disable_statement_logging()
}
