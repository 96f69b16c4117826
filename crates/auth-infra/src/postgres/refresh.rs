//! Refreshing on PostgreSQL: read, judge, write if what was judged still holds; else lock, read, judge, write.

use std::ops::ControlFlow::{self, Break, Continue};
use std::slice;

use auth_domain::model::{EndReason, JudgedRefresh, RefreshAttempt, RefreshVerdict};
use auth_domain::ports::PortError;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Uuid;

use super::batcher::{BatchOutcome, BatchRequest, Pending};
use super::error::DbError;
use super::rows::{self, column, credential_columns, session_columns, stored, user_columns};
use super::{PostgresStore, sessions};
use crate::store::{ErrorMessage, TxOutcome};

/// How often an attempt is judged without a lock: whoever loses a race finds the second time what came of it.
const MAX_ATTEMPTS: usize = 2;

/// Waits for every other judgement over the session.
const LOCK: &str = "
    SELECT FROM refresh_credentials JOIN sessions ON sessions.id = session_id
    WHERE digest = $1 FOR NO KEY UPDATE OF sessions";

/// A row for each credential, empty where there is none.
///
/// What is judged under a lock has to be read by a statement of its own: one that waits for a lock returns the locked row
/// as it is after the wait, but those joined to it as they were before.
///
/// The array stands in a query of its own, so that the plan does not depend on how many they are and is kept; and so does what
/// is found for each, so that it is found by its key.
const READ: &str = concat!(
    "SELECT found.*
     FROM unnest((SELECT $1::bytea[])) WITH ORDINALITY AS asked (presented, ordinal)
     LEFT JOIN LATERAL (
        SELECT",
    user_columns!(),
    ",",
    session_columns!(),
    ",",
    credential_columns!(),
    ", last_consumed
        FROM refresh_credentials
        JOIN sessions ON sessions.id = session_id
        JOIN accounts ON accounts.id = account_id
        WHERE digest = presented
        LIMIT 1
     ) AS found ON true
     ORDER BY ordinal"
);

/// Carries out the verdicts that still hold; whether each did.
const WRITE: &str = "
    SELECT refresh_session(session, last_consumed, presented, successor, nonce, at)
    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::timestamptz[])
        WITH ORDINALITY AS judged (session, last_consumed, presented, successor, nonce, at, ordinal)
    ORDER BY ordinal";

/// An attempt that was judged, by a record and what the session's row said besides: the credential that had been consumed
/// last.
struct Judged<'a> {
    attempt: &'a RefreshAttempt,
    last_consumed: Option<Vec<u8>>,
    refresh: JudgedRefresh,
}

/// Judges without a lock. Goes on when the verdict takes a lock, or others were judged meanwhile each time.
pub(super) async fn look(
    store: &PostgresStore,
    attempt: &RefreshAttempt,
) -> Result<ControlFlow<Option<JudgedRefresh>>, PortError> {
    for _ in 0..MAX_ATTEMPTS {
        match store.refreshes.ask(store, attempt.clone()).await? {
            BatchOutcome::Done(judged) => return Ok(Break(judged)),
            BatchOutcome::Retry => (),
            BatchOutcome::RunAlone => break,
        }
    }
    Ok(Continue(()))
}

impl BatchRequest for RefreshAttempt {
    type Outcome = Option<JudgedRefresh>;

    /// All verdicts are carried out by one statement, which is a transaction of its own.
    async fn decide(
        connection: &mut PgConnection,
        asked: &[Pending<Self>],
    ) -> Result<Vec<BatchOutcome<Self::Outcome>>, DbError> {
        let attempts: Vec<_> = asked.iter().map(|asked| &asked.question).collect();
        let mut looks = Vec::with_capacity(asked.len());
        let mut writes = Vec::new();
        for (judged, asked) in judge(connection, &attempts).await?.into_iter().zip(asked) {
            looks.push(match judged {
                Ok(None) => BatchOutcome::Done(None),
                Ok(Some(judged)) => match judged.refresh.verdict {
                    RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => {
                        BatchOutcome::Done(Some(judged.refresh))
                    }
                    RefreshVerdict::Rotate | RefreshVerdict::Extend if asked.is_awaited() => {
                        writes.push((looks.len(), judged));
                        BatchOutcome::Retry
                    }
                    RefreshVerdict::Rotate | RefreshVerdict::Extend | RefreshVerdict::Replay => {
                        BatchOutcome::RunAlone
                    }
                },
                // It fails by itself, and nobody with it.
                Err(_) => BatchOutcome::RunAlone,
            });
        }
        let (places, writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        // It commits with its answer: whatever goes wrong, the work may have happened.
        let hold = write(connection, &writes).await.map_err(DbError::of_commit)?;
        for ((index, judged), holds) in places.into_iter().zip(writes).zip(hold) {
            if holds {
                looks[index] = BatchOutcome::Done(Some(judged.refresh));
            }
        }
        Ok(looks)
    }
}

/// Judges under a lock of the session, in a transaction of the caller's.
pub(super) async fn lock_and_judge(
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
            let holds = write(connection, slice::from_ref(&judged)).await?;
            if holds != [true] {
                return Err(DbError::Contended(ErrorMessage::new("a locked session has changed")));
            }
            Ok(TxOutcome::Commit(Some(judged.refresh)))
        }
        RefreshVerdict::Replay => {
            let session = judged.refresh.record.session.id;
            sessions::end(connection, &[session], EndReason::Replayed, attempt.now).await?;
            Ok(TxOutcome::CommitRevoking(Some(judged.refresh)))
        }
        RefreshVerdict::Retry { .. } | RefreshVerdict::Deny(_) => {
            Ok(TxOutcome::Rollback(Some(judged.refresh)))
        }
    }
}

/// Reads what each attempt is about, and judges it.
async fn judge<'a>(
    connection: &mut PgConnection,
    attempts: &[&'a RefreshAttempt],
) -> Result<Vec<Result<Option<Judged<'a>>, DbError>>, DbError> {
    let presented = column(attempts, |attempt| attempt.presented.as_bytes().as_slice());
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

/// Writes what was judged; whether each verdict still held.
async fn write(connection: &mut PgConnection, judged: &[Judged<'_>]) -> Result<Vec<bool>, sqlx::Error> {
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(WRITE)
        .bind(column(judged, |judged| judged.refresh.record.session.id.0))
        .bind(column(judged, |judged| judged.last_consumed.as_deref()))
        .bind(column(judged, |judged| judged.attempt.presented.as_bytes().as_slice()))
        .bind(column(judged, |judged| {
            let rotates = judged.refresh.verdict == RefreshVerdict::Rotate;
            rotates.then(|| judged.attempt.successor.as_bytes().as_slice())
        }))
        .bind(column(judged, |judged| judged.attempt.nonce.as_bytes().as_slice()))
        .bind(column(judged, |judged| stored(judged.attempt.now)))
        .fetch_all(connection)
        .await
}
