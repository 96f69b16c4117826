//! An empty store in a temporary directory.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::settings::{DatabaseUrl, Settings};

/// The settings of an empty store. It is deleted when it is dropped.
pub(in crate::commands) struct EmptyStore {
    settings: Settings,
    _directory: TempDir,
}

impl EmptyStore {
    /// `None` if the store of `settings` exists. A PostgreSQL database is expected to exist.
    pub(super) fn unless_stored(settings: &Settings) -> anyhow::Result<Option<Self>> {
        match &settings.database_url {
            DatabaseUrl::Sqlite(path) if !path.exists() => {}
            DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_) => return Ok(None),
        }
        let mut private = tempfile::Builder::new();
        private.permissions(Permissions::from_mode(0o700));
        let directory = private.tempdir().context("cannot create a temporary directory")?;
        let data_dir = directory.path().to_owned();
        let mut settings = settings.clone();
        settings.database_url = DatabaseUrl::Sqlite(data_dir.join("auth.db"));
        settings.keys_dir = data_dir.join("keys");
        settings.data_dir = data_dir;
        Ok(Some(Self { settings, _directory: directory }))
    }

    pub(in crate::commands) fn settings(&self) -> &Settings {
        &self.settings
    }
}
