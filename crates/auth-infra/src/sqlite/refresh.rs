//! Refreshing on SQLite: read, judge and write. The database is locked from the start, so nothing changes in between.

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict, SessionId};
use auth_domain::ports::PortError;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::shared::rows;
use super::shared::session_writes::end;
use super::values::from_time;
use crate::sql::TxOutcome;

const READ: &str = include_str!("statements/read_refresh.sql");

/// All writes of a rotation in one text: each separate call costs two changes of the thread.
const ROTATE: &str = include_str!("statements/rotate.sql");

const EXTEND: &str = "UPDATE sessions SET last_refreshed_at = $2 WHERE id = $1";

impl SqliteStore {
    /// Judges an attempt and carries out the verdict.
    pub(super) async fn refresh_session(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        self.db
            .write_grouped(attempt.clone(), |connection, attempt| Box::pin(refresh(connection, attempt)))
            .await
    }
}

async fn refresh(
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
            end(connection, session, EndReason::Replayed, attempt.now).await?;
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
        .bind(from_time(attempt.now))
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
    sqlx::query(EXTEND).bind(session.0).bind(from_time(attempt.now)).execute(connection).await?;
    Ok(())
}
