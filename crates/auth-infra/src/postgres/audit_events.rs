//! The audit trail on PostgreSQL.

use std::ops::ControlFlow::{Break, Continue};

use async_trait::async_trait;
use auth_domain::model::{
    AuditAction, AuditEvent, AuditFilter, AuditId, AuditRecord, DenialReason, Timestamp,
};
use auth_domain::ports::{AuditRepository, PortError};
use sqlx::postgres::PgConnection;

use super::PostgresStore;
use super::error::DbError;
use super::rows::{self, column, stored};
use crate::store::TxOutcome;

/// The lock of those who append, this table's own among the advisory locks: "audit" in ASCII. Numbers are to be given in the
/// order in which events can be seen, so whoever appends has it until that is committed.
macro_rules! append_lock {
    () => {
        "418581342580"
    };
}

const LOCK_APPENDS: &str = concat!("SELECT pg_advisory_xact_lock(", append_lock!(), ")");

/// Appends nothing if it is somebody else's turn: a statement that commits by itself must not wait, or it would be carried
/// out after its caller was told that it was not.
const APPEND: &str = concat!(
    "WITH append_lock AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(",
    append_lock!(),
    ") AS is_ours)
    INSERT INTO audit_events
        (at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail)
    SELECT at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail
    FROM append_lock, unnest(
        $1::timestamptz[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::uuid[], $10::text[])
        WITH ORDINALITY AS events
            (at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail, ordinal)
    WHERE is_ours ORDER BY ordinal"
);

/// It is planned each time for the filter that it is given: one plan for all would read every event for those of one user.
/// So is [`LATEST`].
const LIST: &str = "
    SELECT id, at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail
    FROM audit_events
    WHERE id > $1 AND ($2 IS NULL OR account_id = $2) AND ($3 IS NULL OR action = $3)
        AND ($4 IS NULL OR at >= $4)
    ORDER BY id LIMIT $5";

const LATEST: &str = "
    SELECT id, at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail
    FROM audit_events
    WHERE ($1 IS NULL OR account_id = $1) AND ($2 IS NULL OR action = $2) AND ($3 IS NULL OR at >= $3)
    ORDER BY id DESC LIMIT $4";

const PURGE: &str = "
    DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2)";

#[async_trait]
impl AuditRepository for PostgresStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        self.at_once_or_in_a_transaction(
            self.at_once(|mut lease| async move {
                // If the answer is lost the events may be there, and are appended again all the same.
                let appended = append(&mut lease, events).await;
                lease.answered(appended.map(|is_done| if is_done { Break(()) } else { Continue(()) }))
            }),
            |mut lease| async move {
                let work = append_locked(&mut lease, events).await;
                lease.end(work.map(|_| TxOutcome::Commit(()))).await
            },
        )
        .await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        self.at_once(|mut lease| async move {
            let found = sqlx::query(LIST)
                .persistent(false)
                .bind(after.map_or(0, |after| after.0))
                .bind(filter.user.map(|user| user.0))
                .bind(filter.action.map(AuditAction::as_str))
                .bind(filter.since.map(stored))
                .bind(i64::from(limit))
                .fetch_all(&mut *lease)
                .await;
            lease.answered(found)?.iter().map(rows::audit_record).collect()
        })
        .await
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        self.at_once(|mut lease| async move {
            let found = sqlx::query(LATEST)
                .persistent(false)
                .bind(filter.user.map(|user| user.0))
                .bind(filter.action.map(AuditAction::as_str))
                .bind(filter.since.map(stored))
                .bind(i64::from(limit))
                .fetch_all(&mut *lease)
                .await;
            lease.answered(found)?.iter().rev().map(rows::audit_record).collect()
        })
        .await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        self.transaction(|mut lease| async move {
            let work = purge(&mut lease, before, limit).await;
            lease.end(work).await
        })
        .await
    }
}

async fn append_locked(connection: &mut PgConnection, events: &[AuditEvent]) -> Result<bool, DbError> {
    sqlx::query(LOCK_APPENDS).execute(&mut *connection).await?;
    Ok(append(connection, events).await?)
}

/// Whether it was this call's turn.
async fn append(connection: &mut PgConnection, events: &[AuditEvent]) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(APPEND)
        .bind(column(events, |event| stored(event.at)))
        .bind(column(events, |event| event.action.as_str()))
        .bind(column(events, |event| event.outcome.denial().map(DenialReason::as_str)))
        .bind(column(events, |event| event.user.map(|user| user.0)))
        .bind(column(events, |event| event.session.map(|session| session.0)))
        .bind(column(events, |event| event.client.as_ref().map(|client| client.as_str().to_owned())))
        .bind(column(events, |event| event.caller.address.map(|address| address.to_string())))
        .bind(column(events, |event| event.caller.request.map(|request| request.to_string())))
        .bind(column(events, |event| event.caller.api_key.map(|key| key.0)))
        .bind(column(events, |event| event.detail.as_ref().map(ToString::to_string)));
    Ok(query.execute(connection).await?.rows_affected() > 0)
}

async fn purge(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(PURGE).bind(stored(before)).bind(i64::from(limit));
    let purged = query.execute(connection).await?.rows_affected();
    Ok(if purged == 0 { TxOutcome::Rollback(0) } else { TxOutcome::Commit(purged) })
}
