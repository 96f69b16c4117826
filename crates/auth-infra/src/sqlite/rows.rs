//! Reading rows: which columns hold what, and in which types SQLite keeps it.

use auth_domain::model::{
    ApiKey, AuditId, AuditRecord, CredentialState, LoginRecord, PasswordHash, PasswordVersion, RefreshRecord,
    Session, StoredPassword, Timestamp, User,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::error::DbError;
use crate::store::{StoredApiKey, StoredAuditEvent, StoredSession, StoredUser, nonce};

/// The columns of [`user`], from `accounts`.
macro_rules! user_columns {
    () => {
        " accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status,
          roles, accounts.created_at AS user_created_at "
    };
}

/// The columns of [`login_record`] besides those of [`user`], from `accounts`.
macro_rules! password_columns {
    () => {
        " password_hash, password_version "
    };
}

/// The columns of [`session`], from `sessions`.
macro_rules! session_columns {
    () => {
        " sessions.id AS session_id, account_id, client_id, sessions.created_at AS session_created_at,
          last_refreshed_at, expires_at, ended_at, end_reason "
    };
}

/// The columns of [`refresh_record`] besides those of [`user`] and [`session`], from `sessions` and
/// `refresh_credentials`.
macro_rules! credential_columns {
    () => {
        " consumed_at, CASE WHEN last_consumed = digest THEN successor_nonce END AS successor_nonce "
    };
}

pub(super) use {credential_columns, password_columns, session_columns, user_columns};

pub(super) fn user(row: &SqliteRow) -> Result<User, DbError> {
    let stored = StoredUser {
        id: row.try_get("user_id")?,
        number: row.try_get("number")?,
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        email_verified: row.try_get("email_verified")?,
        display_name: row.try_get("display_name")?,
        phone_number: row.try_get("phone_number")?,
        status: row.try_get("status")?,
        roles: row.try_get("roles")?,
        created_at: time(row, "user_created_at")?,
    };
    Ok(stored.read()?)
}

pub(super) fn login_record(row: &SqliteRow) -> Result<LoginRecord, DbError> {
    let password = StoredPassword {
        hash: PasswordHash::new(row.try_get("password_hash")?),
        version: PasswordVersion(row.try_get("password_version")?),
    };
    Ok(LoginRecord { user: user(row)?, password })
}

pub(super) fn session(row: &SqliteRow) -> Result<Session, DbError> {
    let stored = StoredSession {
        id: row.try_get("session_id")?,
        user_id: row.try_get("account_id")?,
        client_id: row.try_get("client_id")?,
        created_at: time(row, "session_created_at")?,
        last_refreshed_at: time(row, "last_refreshed_at")?,
        expires_at: time(row, "expires_at")?,
        ended_at: time_or_none(row, "ended_at")?,
        end_reason: row.try_get("end_reason")?,
    };
    Ok(stored.read()?)
}

pub(super) fn refresh_record(row: &SqliteRow) -> Result<RefreshRecord, DbError> {
    let credential = match time_or_none(row, "consumed_at")? {
        None => CredentialState::Current,
        Some(at) => CredentialState::Consumed { at, successor: nonce(row.try_get("successor_nonce")?)? },
    };
    Ok(RefreshRecord { user: user(row)?, session: session(row)?, credential })
}

pub(super) fn api_key(row: &SqliteRow) -> Result<ApiKey, DbError> {
    let stored = StoredApiKey {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scopes: row.try_get("scopes")?,
        created_at: time(row, "created_at")?,
        expires_at: time_or_none(row, "expires_at")?,
        revoked_at: time_or_none(row, "revoked_at")?,
        last_used_at: time_or_none(row, "last_used_at")?,
    };
    Ok(stored.read()?)
}

pub(super) fn audit_record(row: &SqliteRow) -> Result<AuditRecord, DbError> {
    let stored = StoredAuditEvent {
        at: time(row, "at")?,
        action: row.try_get("action")?,
        denial: row.try_get("denial")?,
        user_id: row.try_get("account_id")?,
        session_id: row.try_get("session_id")?,
        client_id: row.try_get("client_id")?,
        address: row.try_get("address")?,
        request_id: row.try_get("request_id")?,
        api_key_id: row.try_get("api_key_id")?,
        detail: row.try_get("detail")?,
    };
    Ok(AuditRecord { id: AuditId(row.try_get("id")?), event: stored.read()? })
}

/// A time as SQLite takes it: microseconds since the Unix epoch.
pub(super) fn stored(time: Timestamp) -> i64 {
    time.unix_micros()
}

fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, DbError> {
    Ok(Timestamp::from_unix_micros(row.try_get(column)?))
}

fn time_or_none(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, DbError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_unix_micros))
}
