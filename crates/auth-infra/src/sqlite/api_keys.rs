//! API keys on SQLite.

use async_trait::async_trait;
use auth_domain::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};
use auth_domain::ports::{ApiKeyRepository, PortError};
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::error::DbError;
use super::rows::{self, stored};
use crate::store::TxOutcome;

const INSERT: &str = "
    INSERT INTO api_keys (id, digest, name, scopes, created_at, expires_at, revoked_at, last_used_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const FIND: &str = "
    SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at
    FROM api_keys WHERE digest = ?1";

const LIST: &str = "
    SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at
    FROM api_keys ORDER BY created_at, id";

const REVOKE: &str = "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";

const MARK_USED: &str = "
    UPDATE api_keys SET last_used_at = ?2
    WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";

#[async_trait]
impl ApiKeyRepository for SqliteStore {
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError> {
        self.transaction(|mut lease| async move {
            let work = insert(&mut lease, key).await;
            lease.end(work).await
        })
        .await
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        self.read(|mut lease| async move {
            let row = sqlx::query(FIND).bind(digest.as_bytes().as_slice()).fetch_optional(&mut *lease).await;
            lease.answered(row)?.as_ref().map(rows::api_key).transpose()
        })
        .await
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        self.read(|mut lease| async move {
            let found = sqlx::query(LIST).fetch_all(&mut *lease).await;
            lease.answered(found)?.iter().map(rows::api_key).collect()
        })
        .await
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        self.transaction(|mut lease| async move {
            let work = stamp(&mut lease, REVOKE, key, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        self.transaction(|mut lease| async move {
            let work = stamp(&mut lease, MARK_USED, key, now).await;
            lease.end(work).await.map(|_| ())
        })
        .await
    }
}

async fn insert(connection: &mut SqliteConnection, new: &NewApiKey) -> Result<TxOutcome<()>, DbError> {
    let NewApiKey { key, digest } = new;
    sqlx::query(INSERT)
        .bind(key.id.0)
        .bind(digest.as_bytes().as_slice())
        .bind(key.name.as_str())
        .bind(key.scopes.to_string())
        .bind(stored(key.created_at))
        .bind(key.expires_at.map(stored))
        .bind(key.revoked_at.map(stored))
        .bind(key.last_used_at.map(stored))
        .execute(connection)
        .await?;
    Ok(TxOutcome::Commit(()))
}

/// Notes a time with a key; whether there was anything to note.
async fn stamp(
    connection: &mut SqliteConnection,
    statement: &'static str,
    key: ApiKeyId,
    now: Timestamp,
) -> Result<TxOutcome<bool>, DbError> {
    let answer = sqlx::query(statement).bind(key.0).bind(stored(now)).execute(connection).await?;
    Ok(TxOutcome::if_changed(answer.rows_affected() > 0))
}
