//! The setting that selects the store.

use std::fmt;
use std::path::PathBuf;

use auth_infra::postgres::{InvalidPostgresUrl, PostgresUrl};
use secrecy::{ExposeSecret, SecretString};

/// The input that [`DatabaseUrl::parse`] accepts.
pub(super) const ALLOWED: &str =
    "postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=..], as for psql, or sqlite:PATH";

/// The store. Its `Display` and `Debug` output contains no password.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The path of a `SQLite` file.
    Sqlite(PathBuf),
    /// The URL of a `PostgreSQL` database. It has been checked, unless the settings are being loaded.
    Postgres(SecretString),
}

impl DatabaseUrl {
    /// Reads the path of a `SQLite` file, or the scheme of a `PostgreSQL` URL.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let is_file = !path.is_empty() && !path.contains(['?', '#', '\0']) && path != ":memory:";
            return is_file.then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        is_postgres.then(|| Self::Postgres(SecretString::from(text)))
    }

    /// Refuses a `PostgreSQL` URL that `psql` would refuse, or whose protection could not be honoured.
    pub(super) fn check(&self) -> Result<(), InvalidPostgresUrl> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(url) => PostgresUrl::parse(url.expose_secret()).map(drop),
        }
    }

    /// The URL with its password, for the store only.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.expose_secret().to_owned(),
        }
    }

    pub(super) fn has_password(&self) -> bool {
        self.postgres().is_some_and(|url| url.has_password())
    }

    /// A warning if the connection leaves this machine without TLS to a verified server.
    pub(super) fn tls_warning(&self) -> Option<&'static str> {
        let url = self.postgres()?;
        if url.is_local() || url.verifies_server() {
            return None;
        }
        Some(if url.requires_tls() {
            "database_url encrypts the connection but does not verify the server: use sslmode=verify-full"
        } else {
            "database_url connects to another machine, possibly without TLS: use sslmode=verify-full"
        })
    }

    fn postgres(&self) -> Option<PostgresUrl> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(url) => PostgresUrl::parse(url.expose_secret()).ok(),
        }
    }
}

/// The URL with its password masked. Of the options it contains only `sslmode`.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.postgres()) {
            (Self::Sqlite(_), _) => f.write_str(&self.expose()),
            (_, Some(url)) => url.fmt(f),
            // It may be malformed because of its password.
            (_, None) => f.write_str("postgres://..."),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
