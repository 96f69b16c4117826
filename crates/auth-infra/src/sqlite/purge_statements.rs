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

const DELETE_CREDENTIALS: &str = "
    DELETE FROM refresh_credentials
    WHERE digest IN (SELECT digest FROM refresh_credentials WHERE session_id = $1 LIMIT $2)";

const DELETE: &str = "DELETE FROM sessions WHERE id = $1";

/// After 25 hours, a margin over [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION), no access token of a
/// revoked session is valid. The clock is SQLite's, as in the triggers that write these rows.
pub(super) const DELETE_REVOKED: &str = "
    DELETE FROM revoked_sessions
    WHERE number IN (SELECT number FROM revoked_sessions
                     WHERE recorded_at < unixepoch() * 1000000 - 90000000000 LIMIT $1)";

/// Deletes at most `limit` credentials of these sessions, and the sessions that have none left.
pub(super) async fn delete_sessions(
    connection: &mut SqliteConnection,
    sessions: &[Uuid],
    limit: u32,
) -> Result<u64, DbError> {
    let (mut room, mut deleted_sessions) = (u64::from(limit), 0);
    for session in sessions {
        let query = sqlx::query(DELETE_CREDENTIALS).bind(session).bind(room.cast_signed());
        room -= query.execute(&mut *connection).await?.rows_affected();
        if room == 0 {
            // The session may have more credentials, and is deleted after its last one. Otherwise the cascade would delete any
            // number of rows in one call.
            break;
        }
        deleted_sessions +=
            sqlx::query(DELETE).bind(session).execute(&mut *connection).await?.rows_affected();
    }
    Ok(u64::from(limit) - room + deleted_sessions)
}
