//! Refreshing on PostgreSQL: read, judge, write if what was judged still holds; else lock, read, judge, write.

use std::ops::ControlFlow;

use auth_domain::model::{
    EndReason, JudgedRefresh, RefreshAttempt, RefreshRecord, RefreshVerdict, SessionId,
};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use super::error::Fault;
use super::rows::{self, credential_columns, session_columns, stored, user_columns};
use super::sessions;
use crate::store::Ending;

/// How often an attempt is judged without a lock: whoever loses a race finds the second time what came of it.
const LOOKS: usize = 2;

/// Waits for every other judgement over the session.
const LOCK: &str = "
    SELECT FROM refresh_credentials JOIN sessions ON sessions.id = session_id
    WHERE digest = $1 FOR NO KEY UPDATE OF sessions";

/// What is judged under a lock has to be read by a statement of its own: one that waits for a lock returns the locked row
/// as it is after the wait, but those joined to it as they were before.
const READ: &str = concat!(
    "SELECT",
    user_columns!(),
    ",",
    session_columns!(),
    ",",
    credential_columns!(),
    ", last_consumed
     FROM refresh_credentials
     JOIN sessions ON sessions.id = session_id
     JOIN accounts ON accounts.id = account_id
     WHERE digest = $1"
);

/// All writes of a rotation, if no other was judged since and the session has not ended. Every rotation changes
/// `last_consumed`, to what it never was before; and whatever happens to a user that matters here ends the session. Both
/// are in the one row that is locked first and looked at as it is then; the credential comes after it.
///
/// It never waits for that lock: whoever gave up waiting would have left a statement behind that commits later.
const ROTATE: &str = "
    WITH session AS (
        UPDATE sessions SET last_refreshed_at = $2, last_consumed = $1, successor_nonce = $5
        WHERE id = (SELECT id FROM sessions WHERE id = $4 FOR NO KEY UPDATE SKIP LOCKED)
            AND ended_at IS NULL AND last_consumed IS NOT DISTINCT FROM $6
        RETURNING id
    ), consumed AS (
        UPDATE refresh_credentials SET consumed_at = $2 FROM session WHERE digest = $1 RETURNING session_id
    )
    INSERT INTO refresh_credentials (digest, session_id) SELECT $3, session_id FROM consumed";

/// It does not wait either.
const EXTEND: &str = "
    UPDATE sessions SET last_refreshed_at = $2
    WHERE id = (SELECT id FROM sessions WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED) AND ended_at IS NULL";

/// A record, and what the session's row said besides: the credential that had been consumed last.
struct Read {
    record: RefreshRecord,
    last_consumed: Option<Vec<u8>>,
}

/// Judges without a lock, and carries out the verdict by one statement that is a transaction of its own. Goes on when the
/// verdict takes a lock, or others were judged meanwhile.
pub(super) async fn look(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
) -> Result<ControlFlow<Option<JudgedRefresh>>, Fault> {
    for _ in 0..LOOKS {
        let Some(read) = read(connection, attempt).await? else { return Ok(ControlFlow::Break(None)) };
        let verdict = read.record.judge(attempt);
        let write = match &verdict {
            RefreshVerdict::Rotate => Some(rotate(&read, attempt)),
            RefreshVerdict::Extend => Some(extend(read.record.session.id, attempt)),
            RefreshVerdict::Retry { .. } | RefreshVerdict::Refuse(_) => None,
            RefreshVerdict::Replay => break,
        };
        let holds = match write {
            // It commits with its answer: whatever goes wrong, the work may have happened.
            Some(write) => {
                let answer = write.execute(&mut *connection).await.map_err(Fault::of_a_commit)?;
                answer.rows_affected() > 0
            }
            None => true,
        };
        if holds {
            return Ok(ControlFlow::Break(Some(JudgedRefresh { record: read.record, verdict })));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Judges under a lock of the session, in a transaction of the caller's.
pub(super) async fn lock_and_judge(
    connection: &mut PgConnection,
    attempt: &RefreshAttempt,
) -> Result<Ending<Option<JudgedRefresh>>, Fault> {
    let presented = attempt.presented.as_bytes().as_slice();
    if sqlx::query(LOCK).bind(presented).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(Ending::RollBack(None));
    }
    let Some(read) = read(connection, attempt).await? else { return Ok(Ending::RollBack(None)) };
    let verdict = read.record.judge(attempt);
    let session = read.record.session.id;
    match &verdict {
        RefreshVerdict::Rotate => rotate(&read, attempt).execute(connection).await.map(|_| ())?,
        RefreshVerdict::Extend => extend(session, attempt).execute(connection).await.map(|_| ())?,
        RefreshVerdict::Replay => {
            sessions::end(connection, &[session], EndReason::Replayed, attempt.now).await?;
            return Ok(Ending::CommitEnds(Some(JudgedRefresh { record: read.record, verdict })));
        }
        RefreshVerdict::Retry { .. } | RefreshVerdict::Refuse(_) => {
            return Ok(Ending::RollBack(Some(JudgedRefresh { record: read.record, verdict })));
        }
    }
    Ok(Ending::Commit(Some(JudgedRefresh { record: read.record, verdict })))
}

async fn read(connection: &mut PgConnection, attempt: &RefreshAttempt) -> Result<Option<Read>, Fault> {
    let presented = attempt.presented.as_bytes().as_slice();
    let row = sqlx::query(READ).bind(presented).fetch_optional(connection).await?;
    row.map(|row| {
        Ok(Read { record: rows::refresh_record(&row)?, last_consumed: row.try_get("last_consumed")? })
    })
    .transpose()
}

fn rotate<'a>(read: &'a Read, attempt: &'a RefreshAttempt) -> Query<'a, Postgres, PgArguments> {
    sqlx::query(ROTATE)
        .bind(attempt.presented.as_bytes().as_slice())
        .bind(stored(attempt.now))
        .bind(attempt.successor.as_bytes().as_slice())
        .bind(read.record.session.id.0)
        .bind(attempt.nonce.as_bytes().as_slice())
        .bind(read.last_consumed.as_deref())
}

fn extend(session: SessionId, attempt: &RefreshAttempt) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(EXTEND).bind(session.0).bind(stored(attempt.now))
}
