//! Appending to the audit trail on PostgreSQL.

use std::pin::pin;

use auth_domain::model::{AuditEvent, DenialReason};
use auth_domain::ports::PortError;
use sqlx::postgres::PgConnection;

use super::PostgresStore;
use super::error::DbError;
use super::values::{array, from_time};
use crate::sql::{DEADLINE, TxOutcome, within};

/// The advisory lock of this table: "audit" in ASCII. Ids must ascend in the order in which events become visible, so a writer
/// holds the lock until its commit.
macro_rules! append_lock {
    () => {
        "418581342580"
    };
}

const LOCK: &str = concat!("SELECT pg_advisory_xact_lock(", append_lock!(), ")");

/// Appends nothing if another transaction has the lock. A statement that commits by itself must not wait: it could commit after
/// its caller got an error.
const APPEND: &str = concat!(
    "WITH append_lock AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(",
    append_lock!(),
    ") AS is_ours)
    INSERT INTO audit_events
        (at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id,
         detail)
    SELECT at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id,
        detail
    FROM append_lock, unnest(
        $1::timestamptz[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
        $8::text[], $9::text[], $10::text[], $11::uuid[], $12::text[])
        WITH ORDINALITY AS events
            (at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id,
             detail, ordinal)
    WHERE is_ours ORDER BY ordinal"
);

impl PostgresStore {
    pub(super) async fn append_events(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        let work = pin!(async {
            // If the answer is lost, the events may be stored and are appended again: a duplicate is better than a gap.
            if self.db.autocommit(events, |connection, events| Box::pin(append(connection, events))).await? {
                return Ok(());
            }
            self.db.write(events, |connection, events| Box::pin(lock_and_append(connection, events))).await
        });
        within(DEADLINE, work).await
    }
}

async fn lock_and_append(
    connection: &mut PgConnection,
    events: &[AuditEvent],
) -> Result<TxOutcome<()>, DbError> {
    sqlx::query(LOCK).execute(&mut *connection).await?;
    append(connection, events).await?;
    Ok(TxOutcome::Commit(()))
}

/// Returns whether the lock was free and the events are appended.
async fn append(connection: &mut PgConnection, events: &[AuditEvent]) -> Result<bool, DbError> {
    let query = sqlx::query(APPEND)
        .bind(array(events, |event| from_time(event.at)))
        .bind(array(events, |event| i64::from(event.count())))
        .bind(array(events, |event| event.merged.map(|merged| from_time(merged.last_at))))
        .bind(array(events, |event| event.action.as_str()))
        .bind(array(events, |event| event.outcome.denial().map(DenialReason::as_str)))
        .bind(array(events, |event| event.user.map(|user| user.0)))
        .bind(array(events, |event| event.session.map(|session| session.0)))
        .bind(array(events, |event| event.client.as_ref().map(|client| client.as_str().to_owned())))
        .bind(array(events, |event| event.caller.address.map(|address| address.to_string())))
        .bind(array(events, |event| event.caller.request.map(|request| request.to_string())))
        .bind(array(events, |event| event.caller.api_key.map(|key| key.0)))
        .bind(array(events, |event| event.detail.as_ref().map(ToString::to_string)));
    Ok(query.execute(connection).await?.rows_affected() > 0)
}
