//! Purging sessions on PostgreSQL.

use auth_domain::model::Timestamp;
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::PortError;
use sqlx::postgres::PgConnection;

use super::PostgresStore;
use super::error::DbError;
use super::prelude::from_time;
use super::rows::{self, session_columns};
use crate::sql::TxOutcome;

/// Sessions that may be over, without those that another transaction has locked: the next purge finds them. Each part is read
/// from its index in order, and only while the parts above it gave too few rows. No part repeats a row of another. Of idle
/// sessions only the day of the last refresh is in an index.
const CANDIDATES: &str = concat!(
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

const DELETE_CREDENTIALS: &str = "
    DELETE FROM refresh_credentials
    WHERE digest IN (SELECT digest FROM refresh_credentials WHERE session_id = ANY ($1) LIMIT $2)";

const DELETE: &str = "DELETE FROM sessions WHERE id = ANY ($1)";

/// After 25 hours, a margin over [`REVOCATION_RETENTION`](auth_domain::ports::REVOCATION_RETENTION), no access token of a
/// revoked session is valid. The clock is the server's, as in the triggers that write these rows.
const DELETE_REVOKED: &str = "
    DELETE FROM revoked_sessions
    WHERE session_id IN (SELECT session_id FROM revoked_sessions
                         WHERE recorded_at < now() - interval '25 hours'
                         LIMIT $1 FOR UPDATE SKIP LOCKED)";

impl PostgresStore {
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
    connection: &mut PgConnection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(DELETE_REVOKED).bind(i64::from(limit));
    let mut purged = query.execute(&mut *connection).await?.rows_affected();
    let query = sqlx::query(CANDIDATES)
        .bind(from_time(now))
        .bind(from_time(now.minus(policy.idle)))
        .bind(i64::from(limit));
    let mut over = Vec::new();
    for row in query.fetch_all(&mut *connection).await? {
        let session = rows::session(&row)?;
        // The statement only finds candidates. The domain decides which sessions are over.
        if !session.is_live(now, policy) {
            over.push(session.id.0);
        }
    }
    let query = sqlx::query(DELETE_CREDENTIALS).bind(&over).bind(i64::from(limit));
    let credentials = query.execute(&mut *connection).await?.rows_affected();
    purged += credentials;
    // At the limit there may be more credentials, and a session is deleted after its last one. Otherwise the cascade would
    // delete any number of rows in one call.
    if credentials < u64::from(limit) {
        purged += sqlx::query(DELETE).bind(&over).execute(connection).await?.rows_affected();
    }
    Ok(TxOutcome::if_purged(purged))
}
