//! API keys.

use async_trait::async_trait;
use auth_domain::model::{ApiKey, ApiKeyId, NewApiKey, SecretDigest, Timestamp};
use auth_domain::ports::{ApiKeyRepository, PortError};

use super::prelude::{Connection, DbError, Store, from_time};
use super::rows;
use crate::sql::{TxOutcome, call};

const INSERT: &str = "
    INSERT INTO api_keys (id, digest, name, scopes, created_at, expires_at, revoked_at, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const FIND: &str = "
    SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at
    FROM api_keys WHERE digest = $1";

const LIST: &str = "
    SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at
    FROM api_keys ORDER BY created_at, id";

const REVOKE: &str = "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

const MARK_USED: &str = "
    UPDATE api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

#[async_trait]
impl ApiKeyRepository for Store {
    async fn insert(&self, key: &NewApiKey) -> Result<(), PortError> {
        call!(self.db.write, insert(key))
    }

    async fn find(&self, digest: &SecretDigest) -> Result<Option<ApiKey>, PortError> {
        call!(self.db.read, find(digest))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, PortError> {
        call!(self.db.read, list())
    }

    async fn revoke(&self, key: ApiKeyId, now: Timestamp) -> Result<bool, PortError> {
        self.db
            .write((key, now), |connection, &(key, now)| Box::pin(stamp(connection, REVOKE, key, now)))
            .await
    }

    async fn mark_used(&self, key: ApiKeyId, now: Timestamp) -> Result<(), PortError> {
        self.db
            .write((key, now), |connection, &(key, now)| Box::pin(stamp(connection, MARK_USED, key, now)))
            .await
            .map(|_| ())
    }
}

async fn insert(connection: &mut Connection, new: &NewApiKey) -> Result<TxOutcome<()>, DbError> {
    let NewApiKey { key, digest } = new;
    sqlx::query(INSERT)
        .bind(key.id.0)
        .bind(digest.as_bytes().as_slice())
        .bind(key.name.as_str())
        .bind(key.scopes.to_string())
        .bind(from_time(key.created_at))
        .bind(key.expires_at.map(from_time))
        .bind(key.revoked_at.map(from_time))
        .bind(key.last_used_at.map(from_time))
        .execute(connection)
        .await?;
    Ok(TxOutcome::Commit(()))
}

async fn find(connection: &mut Connection, digest: &SecretDigest) -> Result<Option<ApiKey>, DbError> {
    let row = sqlx::query(FIND).bind(digest.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(rows::api_key).transpose()
}

async fn list(connection: &mut Connection) -> Result<Vec<ApiKey>, DbError> {
    sqlx::query(LIST).fetch_all(connection).await?.iter().map(rows::api_key).collect()
}

/// Runs [`REVOKE`] or [`MARK_USED`] and returns whether it changed the key.
async fn stamp(
    connection: &mut Connection,
    statement: &'static str,
    key: ApiKeyId,
    now: Timestamp,
) -> Result<TxOutcome<bool>, DbError> {
    let answer = sqlx::query(statement).bind(key.0).bind(from_time(now)).execute(connection).await?;
    Ok(TxOutcome::if_changed(answer.rows_affected() > 0))
}
