//! What servers share: a directory for their data, and a store.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use test_postgres::TestPostgres;

/// Where one test's servers keep their data. It is gone when it is dropped.
#[derive(Debug)]
pub struct TestData {
    directory: TempDir,
    database_url: Option<String>,
}

impl TestData {
    /// Data in an SQLite file.
    #[must_use]
    pub fn on_sqlite() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), database_url: None }
    }

    /// Data in an SQLite file on the disk of this folder: the one for temporary files may be in memory.
    #[must_use]
    pub fn on_sqlite_in(folder: &Path) -> Self {
        Self { directory: tempfile::tempdir_in(folder).expect("a directory"), database_url: None }
    }

    /// Data in a new database of the PostgreSQL that all tests share.
    #[must_use]
    pub fn on_postgres() -> Self {
        Self::at(TestPostgres::shared().create_database())
    }

    /// Data in the database of this URL.
    #[must_use]
    pub fn at(database_url: String) -> Self {
        Self { database_url: Some(database_url), ..Self::on_sqlite() }
    }

    /// One data on each store.
    #[must_use]
    pub fn on_every_store() -> [Self; 2] {
        [Self::on_sqlite(), Self::on_postgres()]
    }

    /// The directory of this data, for whatever a test needs to keep.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory of the servers.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The URL of the database, unless it is an SQLite file.
    #[must_use]
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }
}
