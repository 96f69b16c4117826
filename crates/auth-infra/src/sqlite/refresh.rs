//! Refreshing on SQLite: read, judge, write, with the database locked from the start.

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict, SessionId};
use sqlx::sqlite::SqliteConnection;

use super::error::DbError;
use super::rows::{self, credential_columns, session_columns, stored, user_columns};
use super::sessions;
use crate::store::TxOutcome;

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
     WHERE digest = ?1"
);

/// All writes of a rotation at once: each statement that is sent by itself costs two changes of the thread.
const ROTATE: &str = "
    UPDATE refresh_credentials SET consumed_at = ?2 WHERE digest = ?1;
    INSERT INTO refresh_credentials (digest, session_id) VALUES (?3, ?4);
    UPDATE sessions SET last_refreshed_at = ?2, last_consumed = ?1, successor_nonce = ?5 WHERE id = ?4";

const EXTEND: &str = "UPDATE sessions SET last_refreshed_at = ?2 WHERE id = ?1";

pub(super) async fn refresh(
    connection: &mut SqliteConnection,
    attempt: &RefreshAttempt,
) -> Result<TxOutcome<Option<JudgedRefresh>>, DbError> {
    let presented = attempt.presented.as_bytes().as_slice();
    let Some(row) = sqlx::query(READ).bind(presented).fetch_optional(&mut *connection).await? else {
        return Ok(TxOutcome::Rollback(None));
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
            return Ok(TxOutcome::CommitRevoking(judged));
        }
        RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => return Ok(TxOutcome::Rollback(judged)),
    }
    Ok(TxOutcome::Commit(judged))
}

async fn rotate(
    connection: &mut SqliteConnection,
    session: SessionId,
    attempt: &RefreshAttempt,
) -> Result<(), DbError> {
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
    connection: &mut SqliteConnection,
    session: SessionId,
    attempt: &RefreshAttempt,
) -> Result<(), DbError> {
    sqlx::query(EXTEND).bind(session.0).bind(stored(attempt.now)).execute(connection).await?;
    Ok(())
}
