//! The URL of a PostgreSQL database, read as libpq reads it.
//!
//! sqlx reads URLs in its own way. It ignores parameters that it does not know, also those that protect the connection. This
//! module reads every parameter and every variable of libpq, and refuses those that would be ignored.

mod grammar;
mod parameters;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use thiserror::Error;
use tracing::subscriber::NoSubscriber;

use self::parameters::{Parameters, SslMode};

/// The URL cannot be used. The message is the end of a sentence, and contains nothing of the URL but names of parameters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidPostgresUrl(String);

/// What an error about a character that has to be encoded ends with.
const ENCODING_HINT: &str = "in a user name, password or database name, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, \
                             % as %25 and & as %26";

impl InvalidPostgresUrl {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// An error that a character without percent-encoding may have caused.
    fn encoding(reason: &str) -> Self {
        Self(format!("{reason}; {ENCODING_HINT}"))
    }
}

/// A URL with the variables of libpq as defaults. `Debug` and `Display` omit the password.
#[derive(Clone)]
pub struct PostgresUrl {
    url: Parameters,
    /// The URL and, where it has no value, the variables.
    all: Parameters,
}

impl PostgresUrl {
    /// Reads a URL, and the variables of libpq in the environment of this process.
    ///
    /// # Errors
    /// If `psql` would refuse the URL, or if a part that protects the connection could not be honoured.
    pub fn parse(url: &str) -> Result<Self, InvalidPostgresUrl> {
        Self::parse_with(url, |name| std::env::var(name).ok())
    }

    /// Reads a URL with these variables.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(
        url: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidPostgresUrl> {
        let url = Parameters::of_url(&grammar::parse(url)?)?;
        let all = url.with_variables(variable);
        all.check()?;
        Ok(Self { url, all })
    }

    /// Whether the URL contains a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.url.get("password").is_some()
    }

    /// Whether the connection stays on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let Some(address) = self.all.get("hostaddr").or_else(|| self.all.get("host")) else { return true };
        address.starts_with('/')
            || address == "localhost"
            || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Whether the connection is encrypted whatever the server offers.
    #[must_use]
    pub fn requires_tls(&self) -> bool {
        matches!(self.all.ssl_mode(), SslMode::Require | SslMode::VerifyFull)
    }

    /// Whether the server has to prove its name.
    #[must_use]
    pub fn verifies_server(&self) -> bool {
        self.all.ssl_mode() == SslMode::VerifyFull
    }

    /// The options of sqlx. Files that the URL names have to be readable.
    pub(super) fn options(&self) -> Result<PgConnectOptions, InvalidPostgresUrl> {
        for name in ["sslrootcert", "sslcert", "sslkey"] {
            self.check_file(name)?;
        }
        // sqlx logs malformed lines of ~/.pgpass, which contain passwords.
        let parse = || self.all.for_sqlx().parse::<PgConnectOptions>();
        let options = tracing::subscriber::with_default(NoSubscriber::default(), parse)
            // The message of sqlx could quote a value.
            .map_err(|_: sqlx::Error| InvalidPostgresUrl::new("it has a value that the driver refuses"))?;
        let options = match self.all.ssl_mode() {
            // A socket file has no TLS.
            _ if options.get_socket().is_some() || options.get_host().starts_with('/') => {
                options.ssl_mode(PgSslMode::Disable)
            }
            SslMode::Disable => options.ssl_mode(PgSslMode::Disable),
            SslMode::Prefer => options.ssl_mode(PgSslMode::Prefer),
            SslMode::Require => options.ssl_mode(PgSslMode::Require),
            SslMode::VerifyFull => options.ssl_mode(PgSslMode::VerifyFull),
        };
        // The public authorities that the program contains. sqlx would read a file of this name.
        let is_system = self.all.get("sslrootcert") == Some("system");
        Ok(if is_system { options.ssl_root_cert_from_pem(Vec::new()) } else { options })
    }

    fn check_file(&self, name: &str) -> Result<(), InvalidPostgresUrl> {
        let Some(path) = self.all.get(name).filter(|path| *path != "system") else { return Ok(()) };
        let content = std::fs::read(Path::new(path)).map_err(|error| {
            InvalidPostgresUrl::new(format!("the file of {name} cannot be read: {error}"))
        })?;
        let is_pem = String::from_utf8_lossy(&content).contains("-----BEGIN ");
        if is_pem {
            Ok(())
        } else {
            Err(InvalidPostgresUrl::new(format!("the file of {name} is not in PEM")))
        }
    }
}

/// The URL with its password masked. Of the parameters it contains only `sslmode`.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let get = |name| self.url.get(name).map(grammar::encode);
        f.write_str("postgres://")?;
        let password = if self.has_password() { ":********" } else { "" };
        if let Some(user) = get("user") {
            write!(f, "{user}{password}@")?;
        } else if self.has_password() {
            write!(f, "{password}@")?;
        }
        match self.url.get("host").or_else(|| self.url.get("hostaddr")) {
            Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => write!(f, "[{host}]")?,
            Some(host) => f.write_str(&grammar::encode(host))?,
            None => {}
        }
        if let Some(port) = self.url.get("port") {
            write!(f, ":{port}")?;
        }
        if let Some(database) = get("dbname") {
            write!(f, "/{database}")?;
        }
        get("sslmode").map_or(Ok(()), |mode| write!(f, "?sslmode={mode}"))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}
