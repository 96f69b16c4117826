//! Where a service keeps its data, and the checks of these places.

use std::path::{Path, PathBuf};

#[cfg(feature = "postgres")]
use crate::postgres::{PostgresSettings, PostgresStore};
#[cfg(feature = "sqlite")]
use crate::sqlite::{SqliteSettings, SqliteStore};
use crate::store::{Store, StoreError};
use crate::strict_modes::{StrictModes, UnsafePath};
use crate::token::{KeyFileError, create_private_directory};

/// The store of a service.
#[derive(Clone, Debug)]
pub(super) enum StoreSettings {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteSettings),
    #[cfg(feature = "postgres")]
    Postgres(PostgresSettings),
}

impl StoreSettings {
    /// Connects on first use.
    pub(super) fn open(&self) -> Result<Store, StoreError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(settings) => {
                check_sqlite_file(&settings.path).map_err(|error| StoreError::Settings(error.to_string()))?;
                SqliteStore::connect(settings).map(Store::from)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(settings) => PostgresStore::connect(settings).map(Store::from),
        }
    }

    pub(super) fn set_max_connections(&mut self, max_connections: u32) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(settings) => settings.max_readers = max_connections.saturating_sub(1).max(1),
            #[cfg(feature = "postgres")]
            Self::Postgres(settings) => settings.max_connections = max_connections,
        }
    }

    /// The SQLite file, which one process serves.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unnecessary_wraps, reason = "PostgreSQL has no file")
    )]
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(settings) => Some(&settings.path),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }
}

/// Creates the data directory, accessible to its owner only, unless it exists.
pub(super) fn create_data_dir(path: &Path) -> Result<(), KeyFileError> {
    if create_private_directory(path)? & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "other users of this machine can read the data directory: chmod 700 it");
    }
    Ok(())
}

/// Checks that only the account of the service and root may alter a SQLite file, or its directory while it does not exist.
///
/// # Errors
/// If another account may, or if the file system cannot be read.
pub fn check_sqlite_file(path: &Path) -> Result<(), UnsafePath> {
    let directory = directory_of(path);
    for name in [path.to_owned(), sibling(path, "-wal"), sibling(path, "-shm")] {
        if name.exists() {
            StrictModes::of_process().check(&name)?;
        }
    }
    if directory.exists() { StrictModes::of_process().check(directory) } else { Ok(()) }
}

/// The directory that contains a file.
pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file next to another one: its path with `suffix` appended.
pub(super) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
