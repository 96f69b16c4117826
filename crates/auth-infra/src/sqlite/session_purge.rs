//! Purging sessions on SQLite.

use auth_domain::model::Timestamp;
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::PortError;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::prelude::from_time;
use super::rows::{self, session_columns};
use crate::sql::TxOutcome;

/// Sessions that may be over. There are three parts, because SQLite would not use three indexes for one `OR`; no part repeats a
/// row of another. Of idle sessions only the day of the last refresh is in an index.
const CANDIDATES: &str = concat!(
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
const DELETE_REVOKED: &str = "
    DELETE FROM revoked_sessions
    WHERE number IN (SELECT number FROM revoked_sessions
                     WHERE recorded_at < unixepoch() * 1000000 - 90000000000 LIMIT $1)";

impl SqliteStore {
    /// Deletes sessions that are over, and records of revoked ones that are no longer needed.
    pub(super) async fn purge_sessions(
        &self,
        now: Timestamp,
        policy: &SessionPolicy,
        limit: u32,
    ) -> Result<u64, PortError> {
        self.write((now, policy, limit), |connection, &(now, policy, limit)| {
            Box::pin(purge(connection, now, policy, limit))
        })
        .await
    }
}

async fn purge(
    connection: &mut SqliteConnection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(DELETE_REVOKED).bind(i64::from(limit));
    let forgotten = query.execute(&mut *connection).await?.rows_affected();
    let query = sqlx::query(CANDIDATES)
        .bind(from_time(now))
        .bind(from_time(now.minus(policy.idle)))
        .bind(i64::from(limit));
    let (mut sessions, mut credentials) = (0, 0);
    for row in query.fetch_all(&mut *connection).await? {
        let session = rows::session(&row)?;
        // The statement only finds candidates. The domain decides which sessions are over.
        if session.is_live(now, policy) {
            continue;
        }
        let room = i64::from(limit) - credentials;
        let query = sqlx::query(DELETE_CREDENTIALS).bind(session.id.0).bind(room);
        let deleted = query.execute(&mut *connection).await?.rows_affected().cast_signed();
        credentials += deleted;
        if deleted == room {
            // The session may have more credentials, and is deleted after its last one. Otherwise the cascade would delete any
            // number of rows in one call.
            break;
        }
        let query = sqlx::query(DELETE).bind(session.id.0);
        sessions += query.execute(&mut *connection).await?.rows_affected();
    }
    Ok(TxOutcome::if_purged(forgotten + sessions + credentials.cast_unsigned()))
}
