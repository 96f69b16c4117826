//! Refreshing a session in a transaction of the caller.

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict};

use super::prelude::{Connection, DbError, judge_locked, write_verdict};
use super::session_writes::end;
use crate::sql::TxOutcome;

/// Judges an attempt and carries out the verdict. No other transaction can change the session meanwhile.
pub(crate) async fn refresh(
    connection: &mut Connection,
    attempt: &RefreshAttempt,
) -> Result<TxOutcome<Option<JudgedRefresh>>, DbError> {
    let Some(judged) = judge_locked(connection, attempt).await? else {
        return Ok(TxOutcome::Rollback(None));
    };
    match judged.verdict {
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend => {
            write_verdict(connection, attempt, &judged).await?;
            Ok(TxOutcome::Commit(Some(judged)))
        }
        RefreshVerdict::Replay => {
            end(connection, judged.record.session.id, EndReason::Replayed, attempt.received_at).await?;
            Ok(TxOutcome::CommitRevoking(Some(judged)))
        }
        RefreshVerdict::Retry(_) | RefreshVerdict::Deny(_) => Ok(TxOutcome::Rollback(Some(judged))),
    }
}
