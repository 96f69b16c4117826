//! PostgreSQL for integration tests.
//!
//! ```
//! use test_postgres::TestPostgres;
//!
//! let postgres = TestPostgres::shared();
//! let url = postgres.create_database();
//! assert_eq!(postgres.query(&url, "SELECT 1 + 1"), Ok("2".to_owned()));
//! ```
//!
//! The server is a temporary cluster. It starts in half a second from the PostgreSQL programs that are installed on this
//! machine. The folder that `AUTH_TEST_POSTGRES_BIN` names comes first, then `PATH`. The newest version in the usual
//! folders is next, then the folder that `pg_config` reports. The cluster keeps its data in memory if there
//! is enough. It listens on `127.0.0.1` only and accepts every account of this machine. It is removed when the process
//! that started it ends, even if that process is killed; a test of this crate kills one. PostgreSQL does not run as root,
//! so under root the server runs as `postgres`, else as `nobody`.
//!
//! If `AUTH_TEST_DATABASE_URL` is set, [`TestPostgres::shared`] uses that server instead. Its role must be allowed to
//! create databases. The databases that the tests create are dropped when the process ends.
//!
//! If neither is available, the tests fail with a message that says what to do.

mod account;
mod binaries;
mod cluster;
mod external;
mod psql;

use std::{
    env,
    ffi::OsString,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use self::{cluster::Cluster, external::External};

/// The environment variable with the URL of a server to use instead of a throw-away cluster.
pub const DATABASE_URL: &str = "AUTH_TEST_DATABASE_URL";

/// The environment variable with the folder of `initdb`, `postgres` and `psql`.
pub const POSTGRES_BIN: &str = "AUTH_TEST_POSTGRES_BIN";

const ADVICE: &str = "Any one of these helps:
  - scripts/test, which runs every test; as root on Debian or Ubuntu it installs PostgreSQL first
  - an installed PostgreSQL (a running server is not needed):
      Debian, Ubuntu   sudo apt-get install postgresql
      Fedora, RHEL     sudo dnf install postgresql-server
      Arch             sudo pacman -S postgresql
      macOS            brew install postgresql
  - AUTH_TEST_POSTGRES_BIN=/path/to/bin, the folder of initdb, postgres and psql
  - AUTH_TEST_DATABASE_URL=postgres://user:password@host:5432/postgres, a running server and a role on it that may
    create databases; this needs psql here";

/// A PostgreSQL server for tests. Dropping it takes a throw-away cluster and its data away.
#[derive(Debug)]
pub struct TestPostgres {
    server: Server,
    shared: bool,
}

#[derive(Debug)]
enum Server {
    Cluster(Cluster),
    External(External),
}

impl TestPostgres {
    /// Starts a temporary cluster that only the caller uses. The caller may [`stop`](Self::stop) and
    /// [`pause`](Self::pause) it. A server that the environment names is not used, because a test must not stop it.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or its server does not start; the message says what to do.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        match installed(&|name| env::var_os(name)).and_then(Cluster::start) {
            Ok(cluster) => Self { server: Server::Cluster(cluster), shared: false },
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Starts a cluster that only the caller uses and that keeps its data in `folder`. An existing cluster in the folder
    /// is started again. Acknowledged writes are on the disk, as in production. The server stops when the process that
    /// started it ends; the folder remains.
    ///
    /// # Errors
    /// If PostgreSQL is not installed or its server does not start. Possible causes are another server in the same folder
    /// and a folder that the server's account cannot reach. The message says what to do.
    pub fn durable(folder: &Path) -> Result<Self, String> {
        let cluster = Cluster::durable(installed(&|name| env::var_os(name))?, folder)?;
        Ok(Self { server: Server::Cluster(cluster), shared: false })
    }

    /// The server that all tests of this process share, started when the first of them asks: the one that
    /// `AUTH_TEST_DATABASE_URL` names, else a throw-away cluster.
    ///
    /// # Panics
    /// When there is neither; the message says what to do.
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            let server = match source(&|name| env::var_os(name)) {
                Ok(Source::External { url, psql }) => External::at(url, psql).map(Server::External),
                Ok(Source::Installed(binaries)) => Cluster::start(binaries).map(Server::Cluster),
                Err(reason) => Err(reason),
            };
            match server {
                Ok(server) => Self { server, shared: true },
                Err(reason) => panic!("{reason}"),
            }
        })
    }

    /// Creates an empty database for the caller alone and returns its `postgres://` URL.
    ///
    /// # Panics
    /// When the server refuses; the message is the server's.
    #[must_use]
    #[track_caller]
    pub fn create_database(&self) -> String {
        let name = format!("test_{:016x}", random());
        let created = match &self.server {
            Server::Cluster(cluster) => cluster.create_database(&name),
            Server::External(external) => external.create_database(&name),
        };
        match created {
            Ok(()) => psql::with_database(&self.url(), &name),
            Err(reason) => panic!("the database {name} could not be made: {reason}"),
        }
    }

    /// A program that was installed with the server, such as `pgbench`; `None` when the server is not a cluster of ours.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        match &self.server {
            Server::Cluster(cluster) => Some(cluster.program(name)),
            Server::External(_) => None,
        }
    }

    /// The file of the server's log; `None` when the server is not a cluster of ours.
    #[must_use]
    pub fn log_file(&self) -> Option<PathBuf> {
        match &self.server {
            Server::Cluster(cluster) => Some(cluster.log_file()),
            Server::External(_) => None,
        }
    }

    /// Runs SQL on a database of this server, given by its URL. The rows come back as text, one a line, columns divided
    /// by `|`.
    ///
    /// # Errors
    /// What `psql` said when it could not connect or the server refused.
    pub fn query(&self, url: &str, sql: &str) -> Result<String, String> {
        psql::run(&self.psql(), url, sql)
    }

    /// The URL of the database that came with the server, from which others are made.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.server {
            Server::Cluster(cluster) => cluster.url(),
            Server::External(external) => external.url(),
        }
    }

    /// The URL of a database of this server, whether or not it is there.
    #[must_use]
    pub fn database_url(&self, name: &str) -> String {
        psql::with_database(&self.url(), name)
    }

    /// Takes the server away at once: connections are cut, new ones refused. What was committed stays.
    ///
    /// # Panics
    /// When it is the [`shared`](Self::shared) server, or does not obey.
    #[track_caller]
    pub fn stop(&self) {
        expect_success(self.exclusive().stop());
    }

    /// Brings a stopped server back at the same address; one that runs is stopped first.
    ///
    /// # Panics
    /// When it is the [`shared`](Self::shared) server, or does not start.
    #[track_caller]
    pub fn restart(&self) {
        expect_success(self.exclusive().restart());
    }

    /// Freezes the server: connections are accepted and stay open, but nothing is answered, as when a network fails
    /// without a word.
    ///
    /// # Panics
    /// When it is the [`shared`](Self::shared) server, or is stopped.
    #[track_caller]
    pub fn pause(&self) {
        expect_success(self.exclusive().pause());
    }

    /// Lets a paused server go on where it was.
    ///
    /// # Panics
    /// When it is the [`shared`](Self::shared) server, or is stopped.
    #[track_caller]
    pub fn resume(&self) {
        expect_success(self.exclusive().resume());
    }

    #[track_caller]
    fn exclusive(&self) -> &Cluster {
        match &self.server {
            Server::Cluster(cluster) if !self.shared => cluster,
            _ => panic!(
                "a shared server is not to be stopped or paused under other tests: use TestPostgres::start()"
            ),
        }
    }

    fn psql(&self) -> PathBuf {
        match &self.server {
            Server::Cluster(cluster) => cluster.psql(),
            Server::External(external) => external.psql(),
        }
    }
}

/// Says in one line which PostgreSQL the tests would use.
///
/// # Errors
/// Why they would find none, and what to do.
pub fn find() -> Result<String, String> {
    source(&|name| env::var_os(name)).map(|source| match source {
        Source::External { .. } => format!("the server that {DATABASE_URL} names"),
        Source::Installed(binaries) => format!("a throw-away cluster from {}", binaries.display()),
    })
}

#[derive(Debug, PartialEq)]
enum Source {
    External { url: String, psql: PathBuf },
    Installed(PathBuf),
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn source(environment: Environment<'_>) -> Result<Source, String> {
    let Some(url) = environment(DATABASE_URL).filter(|url| !url.is_empty()) else {
        return installed(environment).map(Source::Installed);
    };
    let url = url
        .into_string()
        .ok()
        .filter(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"))
        .ok_or_else(|| format!("{DATABASE_URL} is no URL that begins with postgres://"))?;
    binaries::find_psql(environment(POSTGRES_BIN).as_deref(), environment("PATH").as_deref())
        .map(|psql| Source::External { url, psql })
        .ok_or_else(|| {
            format!("{DATABASE_URL} is set, but psql, which talks to it, is not installed.\n{ADVICE}")
        })
}

fn installed(environment: Environment<'_>) -> Result<PathBuf, String> {
    let external = environment(POSTGRES_BIN).filter(|folder| !folder.is_empty());
    binaries::find(external.as_deref(), environment("PATH").as_deref()).ok_or_else(|| match external {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            format!(
                "{POSTGRES_BIN} is {}, where initdb, postgres and psql are not all found.\n{ADVICE}",
                folder.display()
            )
        }
        None => format!("These tests need PostgreSQL, and this machine has none.\n{ADVICE}"),
    })
}

#[track_caller]
fn expect_success(outcome: Result<(), String>) {
    if let Err(reason) = outcome {
        panic!("{reason}");
    }
}

/// A unique number: the standard library seeds every hasher differently, and the first from the system.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_server_is_preferred_to_an_installed_one() {
        fn environment(name: &str) -> Option<OsString> {
            match name {
                DATABASE_URL => Some("postgres://u:p@h/d".into()),
                name => env::var_os(name),
            }
        }

        assert!(
            matches!(source(&environment), Ok(Source::External { url, .. }) if url == "postgres://u:p@h/d")
        );
    }

    #[test]
    fn an_empty_setting_is_none() {
        fn environment(name: &str) -> Option<OsString> {
            match name {
                DATABASE_URL | POSTGRES_BIN => Some(OsString::new()),
                name => env::var_os(name),
            }
        }

        assert!(matches!(source(&environment), Ok(Source::Installed(_))));
    }

    #[test]
    fn url_of_another_engine_is_rejected_but_not_shown() {
        let error = source(&|_| Some("mysql://u:hunter2@h/d".into())).unwrap_err();

        assert!(error.contains(DATABASE_URL) && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn missing_postgresql_error_gives_advice() {
        let error =
            installed(&|name| Some(name).filter(|name| *name == POSTGRES_BIN).map(|_| "/nowhere".into()))
                .unwrap_err();

        for advice in
            ["/nowhere", "scripts/test", "apt-get install", "dnf", "brew", POSTGRES_BIN, DATABASE_URL]
        {
            assert!(error.contains(advice), "{error}");
        }
    }

    #[test]
    fn external_server_needs_psql() {
        fn environment(name: &str) -> Option<OsString> {
            match name {
                DATABASE_URL => Some("postgres://u:p@h/d".into()),
                POSTGRES_BIN => Some("/nowhere".into()),
                _ => None,
            }
        }

        assert!(source(&environment).unwrap_err().contains("psql"));
    }
}
