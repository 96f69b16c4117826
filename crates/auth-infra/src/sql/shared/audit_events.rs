//! The audit trail. Appending differs between the engines.

use async_trait::async_trait;
use auth_domain::model::{AuditAction, AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};
use auth_domain::ports::{AuditRepository, PortError};

use super::prelude::{Connection, DbError, Store, from_time};
use super::rows;
use crate::sql::{TxOutcome, call};

const LIST: &str = "
    SELECT id, at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id,
        detail
    FROM audit_events
    WHERE id > $1 AND ($2 IS NULL OR account_id = $2) AND ($3 IS NULL OR action = $3)
        AND ($4 IS NULL OR at >= $4)
    ORDER BY id LIMIT $5";

const LATEST: &str = "
    SELECT id, at, count, last_at, action, denial, account_id, session_id, client_id, address, request_id, api_key_id,
        detail
    FROM audit_events
    WHERE ($1 IS NULL OR account_id = $1) AND ($2 IS NULL OR action = $2) AND ($3 IS NULL OR at >= $3)
    ORDER BY id DESC LIMIT $4";

const PURGE: &str = "
    DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2)";

#[async_trait]
impl AuditRepository for Store {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        self.append_events(events).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        call!(self.db.read, list(filter, after, limit))
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        call!(self.db.read, latest(filter, limit))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        call!(self.db.write, purge(before, limit))
    }
}

// Neither `list` nor `latest` keeps its statement prepared: PostgreSQL then plans it for the given filter. A generic plan would
// read every event to find those of one user.

async fn list(
    connection: &mut Connection,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: u32,
) -> Result<Vec<AuditRecord>, DbError> {
    let query = sqlx::query(LIST)
        .persistent(false)
        .bind(after.map_or(0, |after| after.0))
        .bind(filter.user.map(|user| user.0))
        .bind(filter.action.map(AuditAction::as_str))
        .bind(filter.since.map(from_time))
        .bind(i64::from(limit));
    query.fetch_all(connection).await?.iter().map(rows::audit_record).collect()
}

async fn latest(
    connection: &mut Connection,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditRecord>, DbError> {
    let query = sqlx::query(LATEST)
        .persistent(false)
        .bind(filter.user.map(|user| user.0))
        .bind(filter.action.map(AuditAction::as_str))
        .bind(filter.since.map(from_time))
        .bind(i64::from(limit));
    query.fetch_all(connection).await?.iter().rev().map(rows::audit_record).collect()
}

async fn purge(
    connection: &mut Connection,
    before: Timestamp,
    limit: u32,
) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(PURGE).bind(from_time(before)).bind(i64::from(limit));
    Ok(TxOutcome::if_purged(query.execute(connection).await?.rows_affected()))
}
