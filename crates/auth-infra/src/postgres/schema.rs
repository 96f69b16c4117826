//! The schema on PostgreSQL, and how it is brought up to date.

use std::pin::pin;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};

use super::PostgresStore;
use super::error::DbError;
use crate::store::{DEADLINE, Schema, StoreError, within};

const MIGRATIONS: [(i64, &str, &str); 6] = [
    (1, "accounts", include_str!("../../../../migrations/postgres/0001_accounts.sql")),
    (2, "sessions", include_str!("../../../../migrations/postgres/0002_sessions.sql")),
    (3, "api_keys", include_str!("../../../../migrations/postgres/0003_api_keys.sql")),
    (4, "revoked_sessions", include_str!("../../../../migrations/postgres/0004_revoked_sessions.sql")),
    (5, "audit_events", include_str!("../../../../migrations/postgres/0005_audit_events.sql")),
    (6, "attempts", include_str!("../../../../migrations/postgres/0006_attempts.sql")),
];

/// A migration may take its time, and waits for as long as another node is at it.
const NO_TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];

impl PostgresStore {
    /// Brings the schema up to date. Several nodes may do so at the same time: one does, and the others wait for it.
    ///
    /// # Errors
    /// When the server is away, or the schema is not one that this program can bring up to date: then nothing was
    /// changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // A connection of its own, which takes the lock with it when it is closed.
        let options = self.pool.options().clone().options(NO_TIMEOUTS);
        let connection = async { options.connect().await.map_err(|error| DbError::from(error).into()) };
        let mut connection = within(DEADLINE, pin!(connection)).await?;
        let outcome =
            Schema::new(&MIGRATIONS).run(&mut connection, |error| DbError::from(error).into()).await;
        let _ = connection.close().await;
        outcome
    }

    /// Numbers and names of the migrations that [`migrate`](Self::migrate) would run, in order. Changes nothing.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn pending_migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let applied = self.at_once(|mut lease| async move {
            let applied = applied(&mut lease).await;
            lease.answered(applied)
        });
        Schema::new(&MIGRATIONS).pending(&applied.await?)
    }
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    const IS_THERE: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    if sqlx::query_scalar(IS_THERE).fetch_one(&mut *connection).await? {
        sqlx::query_as(APPLIED).fetch_all(connection).await
    } else {
        Ok(Vec::new())
    }
}
