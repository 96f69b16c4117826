//! Which store is used.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// What [`DatabaseUrl::parse`] takes.
pub(super) const ALLOWED: &str =
    "postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=..] or sqlite:PATH";

/// The store: `PostgreSQL` by its URL, or `SQLite` by its file. What can be printed of it holds no password.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// A file of `SQLite`.
    Sqlite(PathBuf),
    /// A database of `PostgreSQL`.
    Postgres(SecretString),
}

/// How well a connection to `PostgreSQL` is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// It stays on this machine, or the server's certificate is checked.
    Checked,
    /// It is encrypted, to whoever answers.
    Unchecked,
    /// It may be in the clear.
    None,
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
        let has_host =
            url.host_str().is_some_and(|host| !host.is_empty()) || socket_directory(&url).is_some();
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
        (is_postgres && has_user && has_host).then(|| Self::Postgres(SecretString::from(text)))
    }

    /// The URL in full, for the store and for nobody else.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.expose_secret().to_owned(),
        }
    }

    /// Whether the URL holds a password.
    pub(super) fn has_password(&self) -> bool {
        self.postgres().is_some_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    pub(super) fn protection(&self) -> Protection {
        let Some(url) = self.postgres() else { return Protection::Checked };
        let is_local = match url.host() {
            // `Url` reads IPv4 addresses in the schemes of the web only.
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
            _ if is_local || socket_directory(&url).is_some() => Protection::Checked,
            Some("verify-ca" | "verify-full") => Protection::Checked,
            Some("require") => Protection::Unchecked,
            _ => Protection::None,
        }
    }

    fn postgres(&self) -> Option<Url> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(url) => Url::parse(url.expose_secret()).ok(),
        }
    }
}

/// The URL with its password masked and, of its options, `sslmode` alone.
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

/// The directory of the server's socket, where the URL names one (`?host=/run/postgresql`).
fn socket_directory(url: &Url) -> Option<String> {
    option(url, &["host"]).filter(|host| host.starts_with('/'))
}

fn ssl_mode(url: &Url) -> Option<String> {
    option(url, &["sslmode", "ssl-mode"])
}

/// The last option of one of these names.
fn option(url: &Url, names: &[&str]) -> Option<String> {
    url.query_pairs().filter(|(name, _)| names.contains(&&**name)).last().map(|(_, value)| value.into_owned())
}
