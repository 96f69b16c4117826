//! The setting that selects the store.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// The input that [`DatabaseUrl::parse`] accepts.
pub(super) const ALLOWED: &str =
    "postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=..] or sqlite:PATH";

/// The store. Its `Display` and `Debug` output contains no password.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The path of a `SQLite` file.
    Sqlite(PathBuf),
    /// The URL of a `PostgreSQL` database.
    Postgres(SecretString),
}

impl DatabaseUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let is_file = !path.is_empty() && !path.contains(['?', '#', '\0']) && path != ":memory:";
            return is_file.then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let url = Url::parse(text).ok()?;
        let has_user = !url.username().is_empty();
        let has_host = url.host_str().is_some_and(|host| !host.is_empty()) || has_socket_directory(&url);
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
        (is_postgres && has_user && has_host).then(|| Self::Postgres(SecretString::from(text)))
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
        self.postgres().is_some_and(|url| url.password().is_some() || option(&url, &["password"]).is_some())
    }

    /// A warning if the connection leaves this machine without TLS to a verified server.
    pub(super) fn tls_warning(&self) -> Option<&'static str> {
        let url = self.postgres()?;
        let is_local = match url.host() {
            // `Url` parses IPv4 addresses in the schemes of the web only.
            Some(Host::Domain(name)) => {
                name == "localhost"
                    || name.starts_with("%2F")
                    || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => true,
        };
        match ssl_mode(&url).as_deref() {
            _ if is_local || has_socket_directory(&url) => None,
            Some("verify-ca" | "verify-full") => None,
            Some("require") => Some(
                "database_url encrypts the connection but does not verify the server: use sslmode=verify-full",
            ),
            _ => Some(
                "database_url connects to another machine, possibly without TLS: use sslmode=verify-full",
            ),
        }
    }

    fn postgres(&self) -> Option<Url> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(url) => Url::parse(url.expose_secret()).ok(),
        }
    }
}

/// The URL with its password masked. Of the options it contains only `sslmode`.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(url) = self.postgres() else { return f.write_str(&self.expose()) };
        let password = if self.has_password() { ":********" } else { "" };
        write!(f, "{}://{}{password}@{}", url.scheme(), url.username(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        ssl_mode(&url).map_or(Ok(()), |mode| write!(f, "?sslmode={mode}"))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Whether the URL names the directory of a Unix socket (`?host=/run/postgresql`).
fn has_socket_directory(url: &Url) -> bool {
    option(url, &["host"]).is_some_and(|host| host.starts_with('/'))
}

fn ssl_mode(url: &Url) -> Option<String> {
    option(url, &["sslmode", "ssl-mode"])
}

/// The last option with one of these names.
fn option(url: &Url, names: &[&str]) -> Option<String> {
    url.query_pairs().filter(|(name, _)| names.contains(&&**name)).last().map(|(_, value)| value.into_owned())
}
