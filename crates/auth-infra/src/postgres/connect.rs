//! The connections to PostgreSQL: how many, how patient, and how they end.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::RefreshAttempt;
use auth_domain::ports::PortError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::timeout;

use super::attempts::{KeyedMutex, ThrottleCache};
use super::batcher::{Batcher, Executor};
use super::error::DbError;
use super::open_session::Opening;
use super::user_cache::UserCache;
use crate::store::{ACQUIRE_TIMEOUT, ErrorMessage, Pool, StoreError, within};

/// What every connection is told at its start. READ COMMITTED is what the statements are written for: the second
/// statement of a transaction sees what was committed while the first one waited for a lock.
const SESSION_SETTINGS: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "2000"),
    ("lock_timeout", "1500"),
    ("idle_in_transaction_session_timeout", "5000"),
];

/// The parameters that a URL may carry; sqlx would log the values of all others.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Where PostgreSQL is and how many connections to it there may be. It cannot be printed: the URL may hold a password.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?parameter=value`, as for `psql`.
    pub url: String,
    /// The most connections at a time, at least 1. Default: 20.
    pub max_connections: u32,
}

impl PostgresSettings {
    /// The default settings for this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: 20 }
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// Users, sessions, API keys, audit events and counters of attempts on PostgreSQL. Cloning it is cheap: the clones share
/// their connections, and what they know of ended sessions, of users and of exhausted counters.
#[derive(Clone)]
pub struct PostgresStore {
    pub(super) pool: Pool<PgConnection>,
    pub(super) user_cache: Arc<UserCache>,
    pub(super) throttle_cache: Arc<ThrottleCache>,
    pub(super) account_locks: KeyedMutex,
    pub(super) executor: Arc<Executor>,
    pub(super) refreshes: Batcher<RefreshAttempt>,
    pub(super) openings: Batcher<Opening>,
}

impl PostgresStore {
    /// A store on PostgreSQL, with a thread of its own, which lasts as long as the last of its clones. Nothing is connected yet:
    /// the server may be away, and come later.
    ///
    /// # Errors
    /// [`StoreError::Settings`] when the URL makes no sense; the message does not hold the URL. A port's error when no
    /// thread can be started.
    pub fn connect(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Ok(Self {
            pool: Pool::new(options(&settings.url)?, settings.max_connections),
            user_cache: Arc::default(),
            throttle_cache: Arc::default(),
            account_locks: KeyedMutex::default(),
            executor: Arc::new(Executor::start()?),
            refreshes: Batcher::default(),
            openings: Batcher::default(),
        })
    }

    /// Whether the store can serve, told within two seconds: there is a connection, the schema is there, and the
    /// server accepts writes.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), PortError> {
        const CHECK: &str = "
            SELECT current_setting('transaction_read_only') = 'off'
            FROM (SELECT count(*) FROM (SELECT FROM accounts LIMIT 1) AS one) AS schema_is_there";
        let look = self.at_once(|mut lease| async move {
            let writable = sqlx::query_scalar(CHECK).fetch_one(&mut *lease).await;
            if lease.answered(writable)? {
                Ok(())
            } else {
                Err(DbError::Unavailable(ErrorMessage::new("the server accepts no writes")))
            }
        });
        within(ACQUIRE_TIMEOUT, pin!(look)).await
    }

    /// Closes the connections when the calls under way are done; later calls are answered with
    /// [`PortError::Unavailable`].
    pub async fn close(&self) {
        // No call takes longer than this; a server that says nothing any more must not keep the program from ending.
        let _ = timeout(Duration::from_secs(5), self.pool.close()).await;
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("max_connections", &self.pool.max_connections())
            .finish_non_exhaustive()
    }
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let unreadable = |why: String| StoreError::Settings(format!("the database URL cannot be read: {why}"));
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(unreadable("it does not begin with postgres://".to_owned()));
    }
    let options: PgConnectOptions =
        known_parameters(url).parse().map_err(|error: sqlx::Error| unreadable(error.to_string()))?;
    let options = options.options(SESSION_SETTINGS).disable_statement_logging();
    Ok(if options.get_application_name().is_none() { options.application_name("auth") } else { options })
}

/// The URL without the parameters that would be ignored.
fn known_parameters(url: &str) -> String {
    let Some((address, query)) = url.split_once('?') else { return url.to_owned() };
    let mut known = Vec::new();
    for parameter in query.split('&') {
        let name = parameter.split_once('=').map_or("", |(name, _)| name);
        if PARAMETERS.contains(&name) || name.starts_with("options[") {
            known.push(parameter);
        } else if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            tracing::warn!(parameter = name, "a parameter of the database URL is not known and is ignored");
        }
    }
    format!("{address}?{}", known.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn a_url_is_read_with_its_known_parameters_only() {
        let url = format!(
            "postgres://auth:{SECRET}@db.example:5433/users?connect_timeout=5&sslmode=disable&passwrod={SECRET}"
        );
        assert!(known_parameters(&url).ends_with("/users?sslmode=disable"));
        let options = options(&url).expect("options");
        assert_eq!(
            (options.get_host(), options.get_port(), options.get_database()),
            ("db.example", 5433, Some("users"))
        );
        let session = options.get_options().expect("session options");
        assert!(session.contains(r"-c default_transaction_isolation=read\ committed"), "{session}");
    }

    #[test]
    fn no_error_holds_the_password() {
        for url in [
            "",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h/d?sslmode=maybe",
            "postgres://u:hunter2@h/d?port=hunter",
            "postgres://u:hunter2@[h/d",
            "postgres://u:hunter2@/%ff",
        ] {
            let error = options(url).expect_err(url);
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains(SECRET), "{printed}");
        }
    }

    #[tokio::test]
    async fn nothing_that_can_be_printed_holds_the_password() {
        let settings = PostgresSettings::new("postgres://u:hunter2@h/d");
        let store = PostgresStore::connect(&settings).expect("a store");
        let printed = format!("{settings:?} {store:?}");
        assert!(!printed.contains(SECRET), "{printed}");
    }
}
