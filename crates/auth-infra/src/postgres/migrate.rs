//! Migrations on PostgreSQL.

use std::pin::pin;

use auth_domain::ports::PortError;
use sqlx::{ConnectOptions, Connection};

use super::PostgresStore;
use super::error::DbError;
use super::shared::{read_migrations, run_migrations};
use crate::sql::{DEADLINE, StoreError, migrations, within};

pub(super) const MIGRATIONS: &[(i64, &str, &str)] = migrations!(
    "postgres": 1 "accounts", 2 "sessions", 3 "api_keys", 4 "revoked_sessions", 5 "audit_events", 6 "attempts"
);

/// A migration may take long, and waits as long as another node migrates.
const NO_TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];

impl PostgresStore {
    /// Brings the schema up to date. If several nodes call this at once, one migrates and the others wait for it.
    ///
    /// # Errors
    /// Fails if the server is unavailable, or if this program cannot bring the schema up to date. Then nothing changes.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // sqlx takes an advisory lock. A connection of its own releases that lock in every case, because it is closed.
        let options = self.db.writers.options().clone().options(NO_TIMEOUTS);
        let connection = async { options.connect().await.map_err(|error| DbError::from(error).into()) };
        let mut connection = within(DEADLINE, pin!(connection)).await?;
        let outcome = run_migrations(&mut connection).await;
        let _ = connection.close().await;
        outcome
    }

    pub(super) async fn applied_migrations(&self) -> Result<Vec<(i64, Vec<u8>)>, PortError> {
        self.db.read((), |connection, ()| Box::pin(read_migrations(connection))).await
    }
}
