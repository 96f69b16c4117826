//! The schema as a list of migrations.

use auth_domain::ports::PortError;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// The files of one engine in `migrations/`, as the arguments of [`Migrations::new`].
macro_rules! migrations {
    ($engine:literal: $($number:literal $name:literal),+) => {
        &[$((
            $number,
            $name,
            include_str!(concat!("../../../../migrations/", $engine, "/000", $number, "_", $name, ".sql")),
        )),+]
    };
}

pub(crate) use migrations;

/// The migrations of one store, oldest first.
pub(crate) struct Migrations {
    migrator: Migrator,
}

impl Migrations {
    /// Takes the number, name and SQL of each migration.
    pub(crate) fn new(migrations: &[(i64, &'static str, &'static str)]) -> Self {
        let migrations = migrations.iter().map(|&(number, name, sql)| {
            Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        });
        Self { migrator: Migrator::with_migrations(migrations.collect()) }
    }

    /// Runs the pending migrations.
    pub(crate) async fn run(
        &self,
        connection: &mut impl Migrate,
        port_error: fn(sqlx::Error) -> PortError,
    ) -> Result<(), StoreError> {
        // `Migrator::run` does the same, but the compiler cannot prove that its future is `Send`.
        self.migrator.run_direct(None, connection, false).await.map_err(|error| self.error(error, port_error))
    }

    /// Returns the pending migrations, given number and checksum of those that were run.
    pub(crate) fn pending(&self, applied: &[(i64, Vec<u8>)]) -> Result<Vec<(i64, String)>, StoreError> {
        for (number, checksum) in applied {
            let Some(known) = self.migrator.iter().find(|known| known.version == *number) else {
                return Err(self.unknown(*number));
            };
            if *known.checksum != **checksum {
                return Err(StoreError::Foreign(*number));
            }
        }
        Ok(self
            .migrator
            .iter()
            .filter(|known| applied.iter().all(|(number, _)| *number != known.version))
            .map(|known| (known.version, known.description.to_string()))
            .collect())
    }

    fn error(&self, error: MigrateError, port_error: fn(sqlx::Error) -> PortError) -> StoreError {
        match error {
            MigrateError::VersionMissing(number) => self.unknown(number),
            MigrateError::VersionMismatch(number) | MigrateError::Dirty(number) => {
                StoreError::Foreign(number)
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                StoreError::Port(port_error(error))
            }
            other => StoreError::Port(PortError::Corrupt(Box::new(other))),
        }
    }

    fn unknown(&self, found: i64) -> StoreError {
        let known = self.migrator.iter().map(|known| known.version).max().unwrap_or(0);
        if found > known { StoreError::Newer { found, known } } else { StoreError::Foreign(found) }
    }
}
