//! The schema on SQLite, and how it is brought up to date.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_domain::ports::PortError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::time::sleep;

use super::SqliteStore;
use super::connect::options;
use super::error::DbError;
use crate::store::{ErrorMessage, Schema, StoreError};

const MIGRATIONS: [(i64, &str, &str); 5] = [
    (1, "accounts", include_str!("../../../../migrations/sqlite/0001_accounts.sql")),
    (2, "sessions", include_str!("../../../../migrations/sqlite/0002_sessions.sql")),
    (3, "api_keys", include_str!("../../../../migrations/sqlite/0003_api_keys.sql")),
    (4, "revoked_sessions", include_str!("../../../../migrations/sqlite/0004_revoked_sessions.sql")),
    (5, "audit_events", include_str!("../../../../migrations/sqlite/0005_audit_events.sql")),
];

/// How long a migration waits for another process, which may be at the same migration.
const MIGRATION_BUSY_TIMEOUT: Duration = Duration::from_secs(30);

impl SqliteStore {
    /// Brings the schema up to date, and makes the file first if it is not there: readable and writable by its owner
    /// only, as SQLite's other files beside it. Several processes may do so at the same time.
    ///
    /// # Errors
    /// When the file is away, or the schema is not one that this program can bring up to date: then nothing was
    /// changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        create(&self.path)?;
        let mut connection =
            options(&self.path).busy_timeout(MIGRATION_BUSY_TIMEOUT).connect().await.map_err(store_error)?;
        let outcome = migrate(&mut connection).await;
        let _ = connection.close().await;
        outcome
    }

    /// Numbers and names of the migrations that [`migrate`](Self::migrate) would run, in order. Changes nothing.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn pending_migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let schema = Schema::new(&MIGRATIONS);
        if !self.path.exists() {
            return schema.pending(&[]);
        }
        // Even a connection that only reads makes the files beside, if they are not there; one that is told that
        // nobody writes does not, and nobody does where there is no write-ahead log.
        let immutable = !beside(&self.path, "-wal").exists();
        let options = options(&self.path).read_only(true).immutable(immutable);
        let mut connection = options.connect().await.map_err(store_error)?;
        let applied = applied(&mut connection).await;
        let _ = connection.close().await;
        schema.pending(&applied.map_err(store_error)?)
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    keep_a_write_ahead_log(connection).await?;
    // sqlx itself keeps no two processes apart here: one transaction around all migrations does.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
    Schema::new(&MIGRATIONS).run(&mut *transaction, |error| DbError::from(error).into()).await?;
    transaction.commit().await.map_err(store_error)
}

/// A setting of the file, not of the connection. SQLite does not wait for its turn to change it.
async fn keep_a_write_ahead_log(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    const SET: &str = "PRAGMA journal_mode = WAL";
    const PAUSE: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        match sqlx::query_scalar::<_, String>(SET).fetch_one(&mut *connection).await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(unavailable("the file system allows no write-ahead log".to_owned())),
            Err(error) if waited >= MIGRATION_BUSY_TIMEOUT => return Err(store_error(error)),
            Err(_) => {
                sleep(PAUSE).await;
                waited += PAUSE;
            }
        }
    }
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";
    const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    if sqlx::query_scalar(IS_THERE).fetch_one(&mut *connection).await? {
        sqlx::query_as(APPLIED).fetch_all(connection).await
    } else {
        Ok(Vec::new())
    }
}

/// Makes the file unless it is there. SQLite gives the files beside it the same mode.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(unavailable(format!("{} cannot be made: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn store_error(error: sqlx::Error) -> StoreError {
    StoreError::Port(DbError::from(error).into())
}

fn unavailable(detail: String) -> StoreError {
    StoreError::Port(PortError::Unavailable(Box::new(ErrorMessage::new(detail))))
}
