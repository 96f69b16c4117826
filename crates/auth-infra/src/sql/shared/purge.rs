//! Purging what is no longer needed: sessions that are over, consumed credentials, and records of revoked sessions.

use auth_domain::model::Timestamp;
use auth_domain::policy::SessionPolicy;

use super::prelude::{Connection, DbError, from_time};
use super::purge_statements::{CANDIDATES, DELETE_REVOKED, ERASE_CONSUMED, delete_sessions};
use super::rows;
use crate::sql::TxOutcome;

pub(crate) async fn purge(
    connection: &mut Connection,
    now: Timestamp,
    policy: &SessionPolicy,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(DELETE_REVOKED).bind(i64::from(limit));
    let forgotten = query.execute(&mut *connection).await?.rows_affected();
    let kept_since = from_time(policy.credentials_kept_since(now));
    let query = sqlx::query(ERASE_CONSUMED).bind(kept_since).bind(i64::from(limit));
    let erased = query.execute(&mut *connection).await?.rows_affected();
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
    let deleted = delete_sessions(connection, &over).await?;
    Ok(TxOutcome::if_purged(forgotten + erased + deleted))
}
