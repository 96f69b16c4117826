//! The schema as a list of migrations.

use auth_domain::ports::PortError;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, SqlSafeStr};

use super::error::DbError;
use super::migrate::{MIGRATIONS, migrate};
use super::prelude::{Connection, MIGRATIONS_EXIST, Store};
use crate::sql::StoreError;

impl Store {
    /// Brings the schema up to date. Several nodes or processes may call this at once: one migrates, and the others wait for it.
    /// On SQLite this creates a missing file. Only its owner can read and write it, and the files that SQLite keeps next to it.
    ///
    /// # Errors
    /// Fails if the store is unavailable, or if this program cannot bring the schema up to date. Then nothing changes.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.connect_to_migrate().await?;
        let outcome = migrate(&mut connection).await;
        let _ = connection.close().await;
        outcome
    }

    /// Returns number and name of the migrations that [`migrate`](Self::migrate) would run, in order. Changes nothing.
    ///
    /// # Errors
    /// See [`migrate`](Self::migrate).
    pub async fn pending_migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let (migrator, applied) = (migrator(), self.applied_migrations().await?);
        for (number, checksum) in &applied {
            let Some(known) = migrator.iter().find(|known| known.version == *number) else {
                return Err(unknown(&migrator, *number));
            };
            if *known.checksum != **checksum {
                return Err(StoreError::Foreign(*number));
            }
        }
        Ok(migrator
            .iter()
            .filter(|known| applied.iter().all(|(number, _)| *number != known.version))
            .map(|known| (known.version, known.description.to_string()))
            .collect())
    }
}

/// Runs the pending migrations.
pub(crate) async fn run_migrations(connection: &mut Connection) -> Result<(), StoreError> {
    let migrator = migrator();
    // `Migrator::run` does the same, but the compiler cannot prove that its future is `Send`.
    let outcome = migrator.run_direct(None, connection, false).await;
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(number) => unknown(&migrator, number),
        MigrateError::VersionMismatch(number) | MigrateError::Dirty(number) => StoreError::Foreign(number),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            DbError::from(error).into()
        }
        other => StoreError::Port(PortError::Corrupt(Box::new(other))),
    })
}

/// Returns number and checksum of the migrations that were run, in order.
pub(crate) async fn read_migrations(connection: &mut Connection) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    if sqlx::query_scalar(MIGRATIONS_EXIST).fetch_one(&mut *connection).await? {
        Ok(sqlx::query_as(APPLIED).fetch_all(connection).await?)
    } else {
        Ok(Vec::new())
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|&(number, name, sql)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn unknown(migrator: &Migrator, found: i64) -> StoreError {
    let known = migrator.iter().map(|known| known.version).max().unwrap_or(0);
    if found > known { StoreError::Newer { found, known } } else { StoreError::Foreign(found) }
}
