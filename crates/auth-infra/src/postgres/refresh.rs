//! Refreshing on PostgreSQL (ADR 0012 and 0016).
//!
//! ```text
//! refresh_session ─► submit to the batcher ─► read_all ─► plan ─► apply   one batch, no lock
//!        │                                     2 round trips for the whole batch
//!        │ Done(outcome): return it
//!        │ Retry: another transaction was faster; submit once more
//!        │ RunAlone, or the last attempt
//!        ▼
//! lock_and_judge ─► lock ─► read ─► judge ─► write ─► commit              one request
//! ```

use std::pin::pin;

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict};
use auth_domain::ports::PortError;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Uuid;

use super::PostgresStore;
use super::batcher::{BatchOutcome, BatchRequest, Pending};
use super::error::DbError;
use super::shared::rows;
use super::shared::session_writes::end;
use super::values::{array, from_time};
use crate::sql::{DEADLINE, ErrorMessage, TxOutcome, within};

/// The attempts without a lock. A request that loses a race usually finds the outcome of the winner on its second attempt.
const MAX_ATTEMPTS: usize = 2;

/// Waits for every other transaction that judges the session.
const LOCK: &str = "
    SELECT FROM refresh_credentials JOIN sessions ON sessions.id = session_id
    WHERE digest = $1 FOR NO KEY UPDATE OF sessions";

/// Returns one row per credential, with nulls for an unknown one.
///
/// After [`LOCK`] this has to be a second statement. A statement that waits for a lock returns the locked row as it is after
/// the wait. It returns the rows joined to it as they were before.
///
/// The parameter is in a subquery, so that the plan does not depend on the array's length and is kept. The lookup is a
/// lateral subquery with a limit, so that each credential is found by its key instead of a scan of the table.
const READ: &str = include_str!("statements/read_refreshes.sql");

/// Carries out the verdicts that still hold, and returns for each whether it did.
const WRITE: &str = include_str!("statements/write_refreshes.sql");

/// One request of a batch on its way to its outcome.
enum Slot<'a> {
    Decided(BatchOutcome<Option<JudgedRefresh>>),
    Judged(Judged<'a>),
}

/// A judged attempt, with the credential that its session had consumed last. [`WRITE`] compares it, as a version of the row.
struct Judged<'a> {
    attempt: &'a RefreshAttempt,
    last_consumed: Option<Vec<u8>>,
    refresh: JudgedRefresh,
}

impl PostgresStore {
    /// Judges an attempt and carries out the verdict.
    pub(super) async fn refresh_session(
        &self,
        attempt: &RefreshAttempt,
    ) -> Result<Option<JudgedRefresh>, PortError> {
        let work = pin!(async {
            for _ in 0..MAX_ATTEMPTS {
                match self.refreshes.submit(&self.db, attempt.clone()).await? {
                    BatchOutcome::Done(judged) => return Ok(judged),
                    BatchOutcome::Retry => {}
                    BatchOutcome::RunAlone => break,
                }
            }
            self.db.write(attempt, |connection, attempt| Box::pin(lock_and_judge(connection, attempt))).await
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
        let slots = read_all(connection, batch).await?;
        let slots = plan(slots, batch);
        apply(connection, slots).await
    }
}

/// Reads and judges all requests.
async fn read_all<'a>(
    connection: &mut PgConnection,
    batch: &'a [Pending<RefreshAttempt>],
) -> Result<Vec<Slot<'a>>, DbError> {
    let attempts: Vec<_> = batch.iter().map(|pending| &pending.request).collect();
    let judged = judge(connection, &attempts).await?;
    Ok(judged
        .into_iter()
        .map(|judged| match judged {
            Ok(Some(judged)) => Slot::Judged(judged),
            Ok(None) => Slot::Decided(BatchOutcome::Done(None)),
            // A row that cannot be read. The request fails alone and spoils no other.
            Err(_) => Slot::Decided(BatchOutcome::RunAlone),
        })
        .collect())
}

/// Decides the requests that need no write, or that must not be written here.
fn plan<'a>(slots: Vec<Slot<'a>>, batch: &[Pending<RefreshAttempt>]) -> Vec<Slot<'a>> {
    slots.into_iter().zip(batch).map(|(slot, pending)| plan_one(slot, pending)).collect()
}

fn plan_one<'a>(slot: Slot<'a>, pending: &Pending<RefreshAttempt>) -> Slot<'a> {
    let Slot::Judged(judged) = slot else { return slot };
    match judged.refresh.verdict {
        // Nothing to write: the outcome follows from what was read.
        RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => {
            Slot::Decided(BatchOutcome::Done(Some(judged.refresh)))
        }
        RefreshVerdict::Rotate | RefreshVerdict::Extend if pending.is_awaited() => Slot::Judged(judged),
        // A replay ends the session and publishes that, which takes a transaction. A caller that has gone got a 503, so its
        // credential must stay as it is: this is checked last, right before the write.
        RefreshVerdict::Rotate | RefreshVerdict::Extend | RefreshVerdict::Replay => {
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
            Slot::Judged(judged) => Some(judged),
            Slot::Decided(_) => None,
        })
        .collect();
    // The statement commits with its answer: after an error the work may have happened, so it is not repeated.
    let mut held = write(connection, &to_write).await.map_err(DbError::of_commit)?.into_iter();
    Ok(slots
        .into_iter()
        .map(|slot| match slot {
            Slot::Decided(outcome) => outcome,
            Slot::Judged(judged) if held.next() == Some(true) => BatchOutcome::Done(Some(judged.refresh)),
            // The verdict no longer held, or another transaction had the lock.
            Slot::Judged(_) => BatchOutcome::Retry,
        })
        .collect())
}

/// Judges under a lock of the session, in a transaction of the caller.
async fn lock_and_judge(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
) -> Result<TxOutcome<Option<JudgedRefresh>>, DbError> {
    let presented = attempt.presented.as_bytes().as_slice();
    if sqlx::query(LOCK).bind(presented).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(TxOutcome::Rollback(None));
    }
    let judged = judge(connection, &[attempt]).await?.pop();
    let Some(judged) = judged.transpose()?.flatten() else { return Ok(TxOutcome::Rollback(None)) };
    match judged.refresh.verdict {
        RefreshVerdict::Rotate | RefreshVerdict::Extend => {
            if write(connection, &[&judged]).await? != [true] {
                return Err(DbError::Contended(ErrorMessage::new("a locked session has changed")));
            }
            Ok(TxOutcome::Commit(Some(judged.refresh)))
        }
        RefreshVerdict::Replay => {
            let session = judged.refresh.record.session.id;
            end(connection, session, EndReason::Replayed, attempt.now).await?;
            Ok(TxOutcome::CommitRevoking(Some(judged.refresh)))
        }
        RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => {
            Ok(TxOutcome::Rollback(Some(judged.refresh)))
        }
    }
}

/// Reads the record of each attempt and judges it. `None` is an unknown credential.
async fn judge<'a>(
    connection: &mut PgConnection,
    attempts: &[&'a RefreshAttempt],
) -> Result<Vec<Result<Option<Judged<'a>>, DbError>>, DbError> {
    let presented = array(attempts, |attempt| attempt.presented.as_bytes().as_slice());
    let rows = sqlx::query(READ).bind(presented).fetch_all(connection).await?;
    Ok(attempts.iter().zip(&rows).map(|(attempt, row)| judge_one(attempt, row)).collect())
}

fn judge_one<'a>(attempt: &'a RefreshAttempt, row: &PgRow) -> Result<Option<Judged<'a>>, DbError> {
    if row.try_get::<Option<Uuid>, _>("session_id")?.is_none() {
        return Ok(None);
    }
    let record = rows::refresh_record(row)?;
    let verdict = record.judge(attempt);
    let refresh = JudgedRefresh { record, verdict };
    Ok(Some(Judged { attempt, last_consumed: row.try_get("last_consumed")?, refresh }))
}

/// Writes what was judged. Returns for each verdict whether it still held.
async fn write(connection: &mut PgConnection, judged: &[&Judged<'_>]) -> Result<Vec<bool>, sqlx::Error> {
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(WRITE)
        .bind(array(judged, |judged| judged.refresh.record.session.id.0))
        .bind(array(judged, |judged| judged.last_consumed.as_deref()))
        .bind(array(judged, |judged| judged.attempt.presented.as_bytes().as_slice()))
        .bind(array(judged, |judged| {
            // Without a successor, the function extends the session and keeps the credential.
            let rotates = judged.refresh.verdict == RefreshVerdict::Rotate;
            rotates.then(|| judged.attempt.successor.as_bytes().as_slice())
        }))
        .bind(array(judged, |judged| judged.attempt.nonce.as_bytes().as_slice()))
        .bind(array(judged, |judged| from_time(judged.attempt.now)))
        .fetch_all(connection)
        .await
}
