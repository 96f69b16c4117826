//! Refreshing on PostgreSQL: lock, read, judge, write.

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict, SessionId};
use sqlx::postgres::PgConnection;

use super::error::Fault;
use super::rows::{self, credential_columns, session_columns, stored, user_columns};
use super::sessions;
use crate::store::Ending;

/// Waits for every other judgement over the session.
const LOCK: &str = "
    SELECT FROM refresh_credentials JOIN sessions ON sessions.id = session_id
    WHERE digest = $1 FOR NO KEY UPDATE OF sessions";

/// What is judged has to be read by a statement of its own: one that waits for a lock returns the locked row as it is
/// after the wait, but those joined to it as they were before.
const READ: &str = concat!(
    "SELECT",
    user_columns!(),
    ",",
    session_columns!(),
    ",",
    credential_columns!(),
    "FROM refresh_credentials
     JOIN sessions ON sessions.id = session_id
     JOIN accounts ON accounts.id = account_id
     WHERE digest = $1"
);

/// All writes of a rotation in one round trip.
const ROTATE: &str = "
    WITH consumed AS (
        UPDATE refresh_credentials SET consumed_at = $2 WHERE digest = $1
    ), issued AS (
        INSERT INTO refresh_credentials (digest, session_id) VALUES ($3, $4)
    )
    UPDATE sessions SET last_refreshed_at = $2, last_consumed = $1, successor_nonce = $5 WHERE id = $4";

const EXTEND: &str = "UPDATE sessions SET last_refreshed_at = $2 WHERE id = $1";

pub(super) async fn refresh(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
) -> Result<Ending<Option<JudgedRefresh>>, Fault> {
    let presented = attempt.presented.as_bytes().as_slice();
    if sqlx::query(LOCK).bind(presented).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(Ending::RollBack(None));
    }
    let Some(row) = sqlx::query(READ).bind(presented).fetch_optional(&mut *connection).await? else {
        return Ok(Ending::RollBack(None));
    };
    let record = rows::refresh_record(&row)?;
    let verdict = record.judge(attempt);
    let session = record.session.id;
    let judged = Some(JudgedRefresh { record, verdict: verdict.clone() });
    match verdict {
        RefreshVerdict::Rotate => rotate(connection, session, attempt).await?,
        RefreshVerdict::Extend => extend(connection, session, attempt).await?,
        RefreshVerdict::Replay => {
            sessions::end(connection, &[session], EndReason::Replayed, attempt.now).await?;
            return Ok(Ending::CommitEnds(judged));
        }
        RefreshVerdict::Retry { .. } | RefreshVerdict::Refuse(_) => return Ok(Ending::RollBack(judged)),
    }
    Ok(Ending::Commit(judged))
}

async fn rotate(
    connection: &mut PgConnection,
    session: SessionId,
    attempt: &RefreshAttempt,
) -> Result<(), Fault> {
    sqlx::query(ROTATE)
        .bind(attempt.presented.as_bytes().as_slice())
        .bind(stored(attempt.now))
        .bind(attempt.successor.as_bytes().as_slice())
        .bind(session.0)
        .bind(attempt.nonce.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

async fn extend(
    connection: &mut PgConnection,
    session: SessionId,
    attempt: &RefreshAttempt,
) -> Result<(), Fault> {
    sqlx::query(EXTEND).bind(session.0).bind(stored(attempt.now)).execute(connection).await?;
    Ok(())
}
