//! Refreshing on SQLite. A transaction locks the database from its start, so nothing changes between reading and writing.

use auth_domain::model::{JudgedRefresh, RefreshAttempt};
use auth_domain::ports::PortError;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::shared::{refresh, rows};
use super::values::from_time;
use crate::sql::credentials;

const READ: &str = include_str!("statements/read_refresh.sql");

const WRITE: &str = include_str!("statements/write_refresh.sql");

impl SqliteStore {
    /// Judges an attempt and carries out the verdict.
    pub(super) async fn refresh_session(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        self.db
            .write_grouped(attempt.clone(), |connection, attempt| {
                Box::pin(refresh::refresh(connection, attempt))
            })
            .await
    }
}

/// Judges an attempt. `None` is an unknown token family.
pub(super) async fn judge_locked(
    connection: &mut SqliteConnection,
    attempt: &RefreshAttempt,
) -> Result<Option<JudgedRefresh>, DbError> {
    let row = sqlx::query(READ).bind(attempt.family.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.map(|row| Ok(rows::refresh_record(&row)?.judged(attempt))).transpose()
}

/// Writes a verdict that refreshes the session.
pub(super) async fn write_verdict(
    connection: &mut SqliteConnection,
    attempt: &RefreshAttempt,
    judged: &JudgedRefresh,
) -> Result<(), DbError> {
    let chain = judged.chain_after();
    sqlx::query(WRITE)
        .bind(judged.record.session.id.0)
        .bind(from_time(attempt.received_at))
        .bind(chain.current.as_bytes().as_slice())
        .bind(credentials::encode(&chain.consumed))
        .execute(connection)
        .await?;
    Ok(())
}
