//! Migrations on PostgreSQL.

use std::pin::pin;

use auth_domain::ports::PortError;
use sqlx::{ConnectOptions, PgConnection};

use super::PostgresStore;
use super::error::DbError;
use super::shared::read_migrations;
pub(super) use super::shared::run_migrations as migrate;
use crate::sql::{DEADLINE, migrations, within};

pub(super) const MIGRATIONS: &[(i64, &str, &str)] = migrations!(
    "postgres": 1 "accounts", 2 "sessions", 3 "api_keys", 4 "revoked_sessions", 5 "audit_events", 6 "attempts",
    7 "nodes"
);

/// A migration may take long, and waits as long as another node migrates.
const NO_TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];

impl PostgresStore {
    /// sqlx takes an advisory lock. A connection of its own releases that lock in every case, because it is closed.
    pub(super) async fn connect_to_migrate(&self) -> Result<PgConnection, PortError> {
        let options = self.db.writers.options().clone().options(NO_TIMEOUTS);
        let connection = async { options.connect().await.map_err(|error| DbError::from(error).into()) };
        within(DEADLINE, pin!(connection)).await
    }

    pub(super) async fn applied_migrations(&self) -> Result<Vec<(i64, Vec<u8>)>, PortError> {
        self.db.read((), |connection, ()| Box::pin(read_migrations(connection))).await
    }
}
