//! Refreshing on PostgreSQL (ADR 0012 and 0016).
//!
//! ```text
//! refresh_session ─► submit to the batcher ─► read_and_judge ─► plan ─► apply   one batch, no lock
//!        │                                     2 round trips for the whole batch
//!        │ Done(outcome): return it
//!        │ Retry: another transaction was faster; submit once more
//!        │ RunAlone, or the last attempt
//!        ▼
//! shared::refresh ─► judge_locked ─► write_verdict ─► commit                     one request
//! ```

use std::pin::pin;

use auth_domain::model::{JudgedRefresh, RefreshAttempt, RefreshVerdict};
use auth_domain::ports::PortError;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Uuid;

use super::PostgresStore;
use super::batcher::{BatchOutcome, BatchRequest, Pending};
use super::error::DbError;
use super::shared::{refresh, rows};
use super::values::{array, from_time};
use crate::sql::{DEADLINE, ErrorMessage, credentials, within};

/// The attempts without a lock. A request that loses a race usually finds the outcome of the winner on its second attempt.
const MAX_ATTEMPTS: usize = 2;

/// Waits for every other transaction that has locked the session.
const LOCK: &str = "SELECT FROM sessions WHERE token_family = $1 FOR NO KEY UPDATE";

/// Returns one row per token family, with nulls for an unknown one.
///
/// After [`LOCK`] this has to be a second statement. A statement that waits for a lock returns the locked row as it is after
/// the wait. It returns the rows joined to it as they were before.
///
/// The parameter is in a subquery, so that the plan does not depend on the array's length and is kept. The lookup is a
/// lateral subquery with a limit, so that each session is found by its index instead of a scan of the table.
const READ: &str = include_str!("statements/read_refreshes.sql");

/// Carries out the verdicts that still hold, and returns for each whether it did.
const WRITE: &str = include_str!("statements/write_refreshes.sql");

/// One request of a batch on its way to its outcome.
enum Slot<'a> {
    Decided(BatchOutcome<Option<JudgedRefresh>>),
    Judged(&'a RefreshAttempt, JudgedRefresh),
}

impl PostgresStore {
    /// Judges an attempt and carries out the verdict.
    pub(super) async fn refresh_session(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        let outage = self.db.revoked().last_outage(attempt.received_at);
        let attempt = &RefreshAttempt { outage, ..attempt.clone() };
        let work = pin!(async {
            for _ in 0..MAX_ATTEMPTS {
                match self.refreshes.submit(&self.db, attempt.clone()).await? {
                    BatchOutcome::Done(judged) => return Ok(judged),
                    BatchOutcome::Retry => {}
                    BatchOutcome::RunAlone => break,
                }
            }
            self.db
                .write(attempt, |connection, attempt| Box::pin(refresh::refresh(connection, attempt)))
                .await
        });
        within(DEADLINE, work).await
    }
}

impl BatchRequest for RefreshAttempt {
    type Outcome = Option<JudgedRefresh>;

    async fn execute(
        connection: &mut PgConnection,
        batch: &[Pending<Self>],
    ) -> Result<Vec<BatchOutcome<Self::Outcome>>, DbError> {
        let attempts: Vec<_> = batch.iter().map(|pending| &pending.request).collect();
        let judged = read_and_judge(connection, &attempts).await?;
        let slots = judged.into_iter().zip(batch).map(|(judged, pending)| plan(judged, pending)).collect();
        apply(connection, slots).await
    }
}

/// Decides a request that needs no write, or that must not be written here.
fn plan(judged: Result<Option<JudgedRefresh>, DbError>, pending: &Pending<RefreshAttempt>) -> Slot<'_> {
    let judged = match judged {
        Ok(Some(judged)) => judged,
        Ok(None) => return Slot::Decided(BatchOutcome::Done(None)),
        // A row that cannot be read. The request fails alone and spoils no other.
        Err(_) => return Slot::Decided(BatchOutcome::RunAlone),
    };
    match judged.verdict {
        // Nothing to write: the outcome follows from what was read.
        RefreshVerdict::Retry(_) | RefreshVerdict::Deny(_) => Slot::Decided(BatchOutcome::Done(Some(judged))),
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend if pending.is_awaited() => {
            Slot::Judged(&pending.request, judged)
        }
        // A replay ends the session and publishes that, which takes a transaction. A caller that has gone got a 503, so its
        // credential must stay as it is: this is checked last, right before the write.
        RefreshVerdict::Rotate(_) | RefreshVerdict::Extend | RefreshVerdict::Replay => {
            Slot::Decided(BatchOutcome::RunAlone)
        }
    }
}

/// Writes the remaining verdicts by one statement, which is a transaction of its own.
async fn apply(
    connection: &mut PgConnection,
    slots: Vec<Slot<'_>>,
) -> Result<Vec<BatchOutcome<Option<JudgedRefresh>>>, DbError> {
    let to_write: Vec<_> = slots
        .iter()
        .filter_map(|slot| match slot {
            Slot::Judged(attempt, judged) => Some((*attempt, judged)),
            Slot::Decided(_) => None,
        })
        .collect();
    // The statement commits with its answer: after an error the work may have happened, so it is not repeated.
    let mut held = write(connection, &to_write).await.map_err(DbError::of_commit)?.into_iter();
    Ok(slots
        .into_iter()
        .map(|slot| match slot {
            Slot::Decided(outcome) => outcome,
            Slot::Judged(_, judged) if held.next() == Some(true) => BatchOutcome::Done(Some(judged)),
            // The verdict no longer held, or another transaction had the lock.
            Slot::Judged(..) => BatchOutcome::Retry,
        })
        .collect())
}

/// Judges an attempt under a lock of its session. `None` is an unknown token family.
pub(super) async fn judge_locked(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
) -> Result<Option<JudgedRefresh>, DbError> {
    let family = attempt.family.as_bytes().as_slice();
    if sqlx::query(LOCK).bind(family).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let judged = read_and_judge(connection, &[attempt]).await?.pop();
    Ok(judged.transpose()?.flatten())
}

/// Writes a verdict that refreshes a locked session.
pub(super) async fn write_verdict(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
    judged: &JudgedRefresh,
) -> Result<(), DbError> {
    if write(connection, &[(attempt, judged)]).await? == [true] {
        Ok(())
    } else {
        Err(DbError::Contended(ErrorMessage::new("a locked session has changed")))
    }
}

/// Reads the record of each attempt and judges it. `None` is an unknown token family.
async fn read_and_judge(
    connection: &mut PgConnection,
    attempts: &[&RefreshAttempt],
) -> Result<Vec<Result<Option<JudgedRefresh>, DbError>>, DbError> {
    let families = array(attempts, |attempt| attempt.family.as_bytes().as_slice());
    let rows = sqlx::query(READ).bind(families).fetch_all(connection).await?;
    Ok(attempts.iter().zip(&rows).map(|(attempt, row)| judge(attempt, row)).collect())
}

fn judge(attempt: &RefreshAttempt, row: &PgRow) -> Result<Option<JudgedRefresh>, DbError> {
    if row.try_get::<Option<Uuid>, _>("session_id")?.is_none() {
        return Ok(None);
    }
    Ok(Some(rows::refresh_record(row)?.judged(attempt)))
}

/// Writes what was judged. Returns for each verdict whether it still held.
async fn write(
    connection: &mut PgConnection,
    judged: &[(&RefreshAttempt, &JudgedRefresh)],
) -> Result<Vec<bool>, sqlx::Error> {
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(WRITE)
        .bind(array(judged, |(_, judged)| judged.record.session.id.0))
        .bind(array(judged, |(_, judged)| judged.record.chain.current.as_bytes().as_slice()))
        .bind(array(judged, |(_, judged)| judged.chain_after().current.as_bytes().as_slice()))
        .bind(array(judged, |(_, judged)| credentials::encode(&judged.chain_after().consumed)))
        .bind(array(judged, |(attempt, _)| from_time(attempt.received_at)))
        .fetch_all(connection)
        .await
}
