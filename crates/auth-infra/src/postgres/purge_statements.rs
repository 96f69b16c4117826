//! The statements of a purge on PostgreSQL.

use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::error::DbError;
use super::shared::rows::session_columns;

/// Sessions that may be over, without those that another transaction has locked: the next purge finds them. Each part is read
/// from its index in order, and only while the parts above it gave too few rows. No part repeats a row of another. Of idle
/// sessions only the day of the last refresh is in an index.
pub(super) const CANDIDATES: &str = concat!(
    "WITH ended AS (
         SELECT * FROM sessions WHERE ended_at IS NOT NULL
         ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
     ), expired AS (
         SELECT * FROM sessions WHERE expires_at <= $1 AND ended_at IS NULL
         ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
     ), idle AS (
         SELECT * FROM sessions
         WHERE refreshed_on <= ($2 AT TIME ZONE 'UTC')::date AND last_refreshed_at <= $2 AND expires_at > $1
             AND ended_at IS NULL
         ORDER BY refreshed_on LIMIT $3 FOR UPDATE SKIP LOCKED
     )
     SELECT",
    session_columns!(),
    "FROM (SELECT * FROM ended UNION ALL SELECT * FROM expired UNION ALL SELECT * FROM idle) AS sessions
     LIMIT $3"
);

/// Erases the consumed credentials of sessions that no other transaction has locked.
pub(super) const ERASE_CONSUMED: &str = "
    UPDATE sessions SET consumed = ''
    WHERE id IN (SELECT id FROM sessions WHERE has_consumed AND last_refreshed_at <= $1
                 LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)";

const DELETE: &str = "DELETE FROM sessions WHERE id = ANY ($1)";

/// After 25 hours, a margin over [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION), no access token of a
/// revoked session is valid. The clock is the server's, as in the triggers that write these rows.
pub(super) const DELETE_REVOKED: &str = "
    DELETE FROM revoked_sessions
    WHERE session_id IN (SELECT session_id FROM revoked_sessions
                         WHERE recorded_at < now() - interval '25 hours'
                         LIMIT $1 FOR UPDATE SKIP LOCKED)";

pub(super) async fn delete_sessions(
    connection: &mut PgConnection,
    sessions: &[Uuid],
) -> Result<u64, DbError> {
    Ok(sqlx::query(DELETE).bind(sessions).execute(connection).await?.rows_affected())
}
