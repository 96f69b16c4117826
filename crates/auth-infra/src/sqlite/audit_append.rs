//! Appending to the audit trail on SQLite.

use auth_domain::model::{AuditEvent, ClientId, DenialReason};
use auth_domain::ports::PortError;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::values::from_time;
use crate::sql::{TxOutcome, hex};

/// All events of a batch as one JSON array of arrays: each separate call costs two changes of the thread.
const APPEND: &str = include_str!("statements/append_events.sql");

impl SqliteStore {
    pub(super) async fn append_events(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        // Encoded here, because other calls wait for the writing thread.
        let rows = events.iter().map(row).collect::<Value>().to_string();
        self.db.write_grouped(rows, |connection, rows| Box::pin(append(connection, rows))).await
    }
}

async fn append(connection: &mut SqliteConnection, rows: &str) -> Result<TxOutcome<()>, DbError> {
    sqlx::query(APPEND).bind(rows).execute(connection).await?;
    Ok(TxOutcome::Commit(()))
}

fn row(event: &AuditEvent) -> Value {
    json!([
        from_time(event.at),
        event.count(),
        event.merged.map(|merged| from_time(merged.last_at)),
        event.action.as_str(),
        event.outcome.denial().map(DenialReason::as_str),
        event.user.map(|user| hex(user.0.as_bytes())),
        event.session.map(|session| hex(session.0.as_bytes())),
        event.client.as_ref().map(ClientId::as_str),
        event.caller.address.map(|address| address.to_string()),
        event.caller.request.map(|request| request.to_string()),
        event.caller.api_key.map(|key| hex(key.0.as_bytes())),
        event.detail.as_ref().map(ToString::to_string),
    ])
}
