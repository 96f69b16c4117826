//! The statements of a purge on SQLite.

use sqlx::sqlite::SqliteConnection;
use sqlx::types::Uuid;

use super::error::DbError;
use super::shared::rows::session_columns;

/// Sessions that may be over. There are three parts, because SQLite would not use three indexes for one `OR`; no part repeats a
/// row of another. Of idle sessions only the day of the last refresh is in an index.
pub(super) const CANDIDATES: &str = concat!(
    "SELECT",
    session_columns!(),
    "FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE ended_at IS NOT NULL
         UNION ALL
         SELECT id FROM sessions WHERE expires_at <= $1 AND ended_at IS NULL
         UNION ALL
         SELECT id FROM sessions
         WHERE refreshed_on <= $2 / 86400000000 AND last_refreshed_at <= $2 AND expires_at > $1
             AND ended_at IS NULL
         LIMIT $3)"
);

pub(super) const ERASE_CONSUMED: &str = "
    UPDATE sessions SET consumed = x''
    WHERE id IN (SELECT id FROM sessions WHERE has_consumed = 1 AND last_refreshed_at <= $1 LIMIT $2)";

const DELETE: &str = "DELETE FROM sessions WHERE id = $1";

/// After 25 hours, a margin over [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION), no access token of a
/// revoked session is valid. The clock is SQLite's, as in the triggers that write these rows.
pub(super) const DELETE_REVOKED: &str = "
    DELETE FROM revoked_sessions
    WHERE number IN (SELECT number FROM revoked_sessions
                     WHERE recorded_at < unixepoch() * 1000000 - 90000000000 LIMIT $1)";

pub(super) async fn delete_sessions(
    connection: &mut SqliteConnection,
    sessions: &[Uuid],
) -> Result<u64, DbError> {
    let mut deleted = 0;
    for session in sessions {
        deleted += sqlx::query(DELETE).bind(session).execute(&mut *connection).await?.rows_affected();
    }
    Ok(deleted)
}
