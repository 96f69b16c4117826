//! The connections to PostgreSQL: their settings, number and end.

use std::fmt;
use std::sync::Arc;

use auth_domain::model::RefreshAttempt;
use auth_domain::ports::PortError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use super::attempts::{KeyedMutex, ThrottleCache};
use super::batcher::Batcher;
use super::error::DbError;
use super::executor::Executor;
use super::open_request::OpenRequest;
use super::shared::Database;
use super::url::PostgresUrl;
use super::user_cache::UserCache;
use crate::sql::{ErrorMessage, Pool, StoreError};

/// The retries that a call has in addition to one per connection: for deadlocks and similar errors.
const SPARE_RETRIES: u32 = 3;

/// The settings of every connection. The statements require READ COMMITTED: the second statement of a transaction has to see
/// what was committed while the first one waited for a lock. The timeouts, in milliseconds, keep a call within its deadline.
const SESSION_SETTINGS: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "2000"),
    ("lock_timeout", "1500"),
    ("idle_in_transaction_session_timeout", "5000"),
];

/// The address of PostgreSQL and the number of connections. `Debug` omits the URL, which may contain a password.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?parameter=value`, as for `psql`.
    pub url: String,
    /// The maximum number of connections, at least 1. Default: 20.
    pub max_connections: u32,
}

impl PostgresSettings {
    /// Combines this URL with the default number of connections.
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

/// Users, sessions, API keys, audit events and counters of attempts on PostgreSQL. Cloning it is cheap: the clones share their
/// connections, caches and revoked sessions.
#[derive(Clone)]
pub struct PostgresStore {
    pub(super) db: Database,
    pub(super) user_cache: Arc<UserCache>,
    pub(super) throttle_cache: Arc<ThrottleCache>,
    pub(super) counter_locks: KeyedMutex,
    /// The guesses that wait for others, one after the other for each account.
    pub(super) waiting_locks: KeyedMutex,
    pub(super) refreshes: Batcher<RefreshAttempt>,
    pub(super) openings: Batcher<OpenRequest>,
}

impl PostgresStore {
    /// Creates a store with a thread of its own, which lasts as long as the last clone. This opens no connection: the server
    /// may start later.
    ///
    /// # Errors
    /// [`StoreError::Settings`] if the URL is invalid; the message does not contain the URL. A port error if the thread
    /// cannot be started.
    pub fn connect(settings: &PostgresSettings) -> Result<Self, StoreError> {
        let pool = Pool::new(options(&settings.url)?, settings.max_connections);
        // After a restart of the server, every idle connection may be broken, and each costs one attempt.
        let max_retries = pool.max_connections().saturating_add(SPARE_RETRIES);
        let thread = Arc::new(Executor::start()?);
        Ok(Self {
            db: Database { readers: pool.clone(), writers: pool, max_retries, thread },
            user_cache: Arc::default(),
            throttle_cache: Arc::default(),
            counter_locks: KeyedMutex::default(),
            waiting_locks: KeyedMutex::default(),
            refreshes: Batcher::default(),
            openings: Batcher::default(),
        })
    }

    pub(super) async fn check_access(&self) -> Result<(), PortError> {
        self.db.read((), |connection, ()| Box::pin(check(connection))).await
    }
}

async fn check(connection: &mut PgConnection) -> Result<(), DbError> {
    const CHECK: &str = "
        SELECT current_setting('transaction_read_only') = 'off'
        FROM (SELECT count(*) FROM (SELECT FROM accounts LIMIT 1) AS one) AS schema_exists";
    if sqlx::query_scalar(CHECK).fetch_one(connection).await? {
        Ok(())
    } else {
        Err(DbError::Unavailable(ErrorMessage::new("the server accepts no writes")))
    }
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PostgresUrl::parse(url).and_then(|url| url.options());
    let options =
        options.map_err(|error| StoreError::Settings(format!("the database URL cannot be used: {error}")))?;
    let options = options.options(SESSION_SETTINGS).disable_statement_logging();
    Ok(if options.get_application_name().is_none() { options.application_name("auth") } else { options })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2";

    #[test]
    fn session_settings_are_added_to_the_options_of_the_url() {
        let url = "postgres://auth@db.example:5433/users?options=-c%20search_path%3Dauth";
        let options = options(url).expect("options");
        assert_eq!(
            (options.get_host(), options.get_port(), options.get_database(), options.get_application_name()),
            ("db.example", 5433, Some("users"), Some("auth"))
        );
        let session = options.get_options().expect("session options");
        assert!(session.contains(r"-c default_transaction_isolation=read\ committed"), "{session}");
        assert!(session.contains("-c search_path=auth"), "{session}");
    }

    #[test]
    fn errors_do_not_contain_the_password() {
        for url in [
            "",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h/d?sslmode=maybe",
            "postgres://u:hunter2@h/d?port=hunter",
            "postgres://u:hunter2@[h/d",
            "postgres://u:hunter2@h/d?passwrod=hunter2",
            "postgres://u:hunter2@h/d?hunter2=1&HUNTER2",
            "postgres://u:hunter2/@h/d",
            "postgres://u:hunter2%@h/d",
            "postgres://u:hunter2@hunter2@h/d",
            "postgres://u:hunter2@h,g/d",
            "postgres://u:hunter2@/%ff",
        ] {
            let error = options(url).expect_err(url);
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains(SECRET), "{printed}");
        }
    }

    #[tokio::test]
    async fn debug_output_does_not_contain_the_password() {
        let settings = PostgresSettings::new("postgres://u:hunter2@h/d");
        let store = PostgresStore::connect(&settings).expect("a store");
        let printed = format!("{settings:?} {store:?}");
        assert!(!printed.contains(SECRET), "{printed}");
    }
}
