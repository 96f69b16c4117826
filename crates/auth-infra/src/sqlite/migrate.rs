//! Migrations on SQLite.

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
use super::shared::{read_migrations, run_migrations};
use crate::sql::{StoreError, migrations};

pub(super) const MIGRATIONS: &[(i64, &str, &str)] = migrations!(
    "sqlite": 1 "accounts", 2 "sessions", 3 "api_keys", 4 "revoked_sessions", 5 "audit_events"
);

/// The longest wait for another process, which may run the same migration.
const MIGRATION_BUSY_TIMEOUT: Duration = Duration::from_secs(30);

impl SqliteStore {
    /// Creates a missing file first.
    pub(super) async fn connect_to_migrate(&self) -> Result<SqliteConnection, PortError> {
        create(&self.path)?;
        let options = options(&self.path).busy_timeout(MIGRATION_BUSY_TIMEOUT);
        Ok(options.connect().await.map_err(DbError::from)?)
    }

    pub(super) async fn applied_migrations(&self) -> Result<Vec<(i64, Vec<u8>)>, PortError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        // A connection creates missing WAL files even if it only reads. An immutable one does not, and is safe here: without a
        // write-ahead log no process is writing.
        let immutable = !sibling(&self.path, "-wal").exists();
        let options = options(&self.path).read_only(true).immutable(immutable);
        let mut connection = options.connect().await.map_err(DbError::from)?;
        let applied = read_migrations(&mut connection).await;
        let _ = connection.close().await;
        Ok(applied?)
    }
}

pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    enable_write_ahead_log(connection).await?;
    // sqlx has no lock between processes on SQLite. One transaction around all migrations serves as one.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(DbError::from)?;
    run_migrations(&mut transaction).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(())
}

/// Sets the journal mode of the file. SQLite does not apply the busy timeout to this setting, so it is retried here.
async fn enable_write_ahead_log(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    const SET: &str = "PRAGMA journal_mode = WAL";
    const PAUSE: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        match sqlx::query_scalar::<_, String>(SET).fetch_one(&mut *connection).await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(PortError::Unavailable("the file system allows no write-ahead log".into()).into());
            }
            Err(error) if waited >= MIGRATION_BUSY_TIMEOUT => return Err(DbError::from(error).into()),
            Err(_) => {
                sleep(PAUSE).await;
                waited += PAUSE;
            }
        }
    }
}

/// Creates the file unless it exists. SQLite gives the files next to it the same mode.
fn create(path: &Path) -> Result<(), PortError> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let text = format!("{} cannot be created: {error}", path.display());
            Err(PortError::Unavailable(text.into()))
        }
        _ => Ok(()),
    }
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
