//! The audit trail on SQLite.

use async_trait::async_trait;
use auth_domain::model::{
    AuditAction, AuditEvent, AuditFilter, AuditId, AuditRecord, ClientId, DenialReason, Timestamp,
};
use auth_domain::ports::{AuditRepository, PortError};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Uuid;

use super::SqliteStore;
use super::error::DbError;
use super::rows::{self, stored};
use crate::store::TxOutcome;

/// All events of a batch at once, as an array of arrays: each statement that is sent by itself costs two changes of the
/// thread.
const APPEND: &str = "
    INSERT INTO audit_events
        (at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail)
    SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4), value ->> 5, value ->> 6,
        value ->> 7, unhex(value ->> 8), value ->> 9
    FROM json_each(?1) ORDER BY key";

const LIST: &str = "
    SELECT id, at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail
    FROM audit_events
    WHERE id > ?1 AND (?2 IS NULL OR account_id = ?2) AND (?3 IS NULL OR action = ?3)
        AND (?4 IS NULL OR at >= ?4)
    ORDER BY id LIMIT ?5";

const LATEST: &str = "
    SELECT id, at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id, detail
    FROM audit_events
    WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR action = ?2) AND (?3 IS NULL OR at >= ?3)
    ORDER BY id DESC LIMIT ?4";

const PURGE: &str = "
    DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < ?1 ORDER BY at LIMIT ?2)";

#[async_trait]
impl AuditRepository for SqliteStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        let events = events.to_vec();
        self.shared_transaction(|connection| Box::pin(async move { append(connection, &events).await })).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        self.read(|mut lease| async move {
            let found = sqlx::query(LIST)
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
        self.read(|mut lease| async move {
            let found = sqlx::query(LATEST)
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

async fn append(connection: &mut SqliteConnection, events: &[AuditEvent]) -> Result<TxOutcome<()>, DbError> {
    let rows: Value = events.iter().map(row).collect();
    sqlx::query(APPEND).bind(rows.to_string()).execute(connection).await?;
    Ok(TxOutcome::Commit(()))
}

fn row(event: &AuditEvent) -> Value {
    let hex = |id: Uuid| id.simple().to_string();
    json!([
        stored(event.at),
        event.action.as_str(),
        event.outcome.denial().map(DenialReason::as_str),
        event.user.map(|user| hex(user.0)),
        event.session.map(|session| hex(session.0)),
        event.client.as_ref().map(ClientId::as_str),
        event.caller.address.map(|address| address.to_string()),
        event.caller.request.map(|request| request.to_string()),
        event.caller.api_key.map(|key| hex(key.0)),
        event.detail.as_ref().map(ToString::to_string),
    ])
}

async fn purge(
    connection: &mut SqliteConnection,
    before: Timestamp,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(PURGE).bind(stored(before)).bind(i64::from(limit));
    let purged = query.execute(connection).await?.rows_affected();
    Ok(if purged == 0 { TxOutcome::Rollback(0) } else { TxOutcome::Commit(purged) })
}
