//! Refreshing on SQLite: read, judge and write. The database is locked from the start, so nothing changes in between.

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict};
use auth_domain::ports::PortError;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::shared::rows;
use super::shared::session_writes::end;
use super::values::from_time;
use crate::sql::{TxOutcome, credentials};

const READ: &str = include_str!("statements/read_refresh.sql");

const WRITE: &str = include_str!("statements/write_refresh.sql");

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
    let family = attempt.family.as_bytes().as_slice();
    let Some(row) = sqlx::query(READ).bind(family).fetch_optional(&mut *connection).await? else {
        return Ok(TxOutcome::Rollback(None));
    };
    let judged = rows::refresh_record(&row)?.judged(attempt);
    let session = judged.record.session.id;
    match judged.verdict {
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend => {
            write(connection, attempt, &judged).await?;
            Ok(TxOutcome::Commit(Some(judged)))
        }
        RefreshVerdict::Replay => {
            end(connection, session, EndReason::Replayed, attempt.received_at).await?;
            Ok(TxOutcome::CommitRevoking(Some(judged)))
        }
        RefreshVerdict::Retry(_) | RefreshVerdict::Deny(_) => Ok(TxOutcome::Rollback(Some(judged))),
    }
}

async fn write(
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
