//! Rows as values of the domain, and the columns that each function here reads.

use auth_domain::model::{
    ApiKey, ApiKeyId, ApiKeyName, AuditAction, AuditDetail, AuditEvent, AuditId, AuditOutcome, AuditRecord,
    AuditedCaller, ClientId, CredentialChain, DenialReason, DisplayName, EmailAddress, EndReason, ExternalId,
    Identifiers, LoginRecord, MergedEvents, Metadata, NewSession, PasswordHash, PasswordVersion, PhoneNumber,
    RefreshRecord, RequestId, Roles, Scopes, SecretDigest, Session, SessionEnd, SessionId, StoredPassword,
    Timestamp, User, UserId, UserNumber, UserStatus, Username,
};
use sqlx::Row as _;
use sqlx::types::Uuid;

use super::prelude::{DbError, DbTime, Row, to_time};
use crate::sql::{CorruptValue, ErrorMessage, credentials};

/// The columns of [`user`], from `accounts`.
macro_rules! user_columns {
    () => {
        " accounts.id AS user_id, number, username, email, email_verified, display_name, phone_number, status,
          roles, accounts.created_at AS user_created_at, external_id, metadata "
    };
}

/// The columns of [`session`], from `sessions`.
macro_rules! session_columns {
    () => {
        " sessions.id AS session_id, account_id, client_id, sessions.created_at AS session_created_at,
          last_refreshed_at, expires_at, ended_at, end_reason "
    };
}

pub(crate) use {session_columns, user_columns};

pub(crate) fn user(row: &Row) -> Result<User, DbError> {
    let username = optional(row, "username", "username", |text| Username::parse(text).ok())?;
    let email = optional(row, "email", "e-mail address", |text| EmailAddress::parse(text).ok())?;
    Ok(User {
        id: UserId(row.try_get("user_id")?),
        number: UserNumber(row.try_get("number")?),
        identifiers: Identifiers::new(username, email).ok_or(CorruptValue("identifiers"))?,
        display_name: optional(row, "display_name", "display name", |name| DisplayName::parse(name).ok())?,
        phone_number: optional(row, "phone_number", "phone number", |number| {
            PhoneNumber::parse(number).ok()
        })?,
        email_verified: row.try_get("email_verified")?,
        status: status(row)?,
        roles: roles(row)?,
        created_at: time(row, "user_created_at")?,
        external_id: optional(row, "external_id", "external id", |id| ExternalId::parse(id).ok())?,
        metadata: optional(row, "metadata", "metadata", |text| Metadata::parse(text).ok())?,
    })
}

/// Reads the columns of [`user`], `password_hash` and `password_version`.
pub(crate) fn login_record(row: &Row) -> Result<LoginRecord, DbError> {
    let password = StoredPassword {
        hash: row.try_get::<Option<String>, _>("password_hash")?.map(PasswordHash::new),
        version: PasswordVersion(row.try_get("password_version")?),
    };
    Ok(LoginRecord { user: user(row)?, password })
}

/// Returns whether a session may begin for the user of this row, by `status`, `password_version` and `roles`.
pub(crate) fn may_begin(new: &NewSession, row: &Row) -> Result<bool, DbError> {
    let version = PasswordVersion(row.try_get("password_version")?);
    Ok(new.may_begin(status(row)?, version, &roles(row)?))
}

pub(crate) fn session(row: &Row) -> Result<Session, DbError> {
    let ended_at = optional_time(row, "ended_at")?;
    let reason = optional(row, "end_reason", "reason of an end", EndReason::parse)?;
    Ok(Session {
        id: SessionId(row.try_get("session_id")?),
        user_id: UserId(row.try_get("account_id")?),
        client_id: ClientId::from(row.try_get::<String, _>("client_id")?),
        created_at: time(row, "session_created_at")?,
        last_refreshed_at: time(row, "last_refreshed_at")?,
        expires_at: time(row, "expires_at")?,
        end: ended_at.zip(reason).map(|(at, reason)| SessionEnd { at, reason }),
    })
}

/// Reads the columns of [`user`] and [`session`], `credential` and `consumed`.
pub(crate) fn refresh_record(row: &Row) -> Result<RefreshRecord, DbError> {
    let credential: &[u8] = row.try_get("credential")?;
    let current = credential.try_into().map_err(|_| CorruptValue("refresh credential"))?;
    let consumed = credentials::decode(row.try_get("consumed")?);
    let chain = CredentialChain {
        current: SecretDigest::from_bytes(current),
        consumed: consumed.ok_or(CorruptValue("consumed credentials"))?,
    };
    Ok(RefreshRecord { user: user(row)?, session: session(row)?, chain })
}

pub(crate) fn api_key(row: &Row) -> Result<ApiKey, DbError> {
    Ok(ApiKey {
        id: ApiKeyId(row.try_get("id")?),
        name: required(row, "name", "name of an API key", |name| ApiKeyName::parse(name).ok())?,
        scopes: required(row, "scopes", "scopes", |names| Scopes::parse(names).ok())?,
        created_at: time(row, "created_at")?,
        expires_at: optional_time(row, "expires_at")?,
        revoked_at: optional_time(row, "revoked_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
    })
}

pub(crate) fn audit_record(row: &Row) -> Result<AuditRecord, DbError> {
    let denial = optional(row, "denial", "reason of a denial", DenialReason::parse)?;
    let event = AuditEvent {
        at: time(row, "at")?,
        merged: merged_events(row)?,
        action: required(row, "action", "action of an event", AuditAction::parse)?,
        outcome: denial.map_or(AuditOutcome::Succeeded, AuditOutcome::Denied),
        user: row.try_get::<Option<Uuid>, _>("account_id")?.map(UserId),
        session: row.try_get::<Option<Uuid>, _>("session_id")?.map(SessionId),
        client: row.try_get::<Option<String>, _>("client_id")?.map(ClientId::from),
        caller: AuditedCaller {
            address: optional(row, "address", "address of an event", |text| text.parse().ok())?,
            request: optional(row, "request_id", "request of an event", RequestId::parse)?,
            api_key: row.try_get::<Option<Uuid>, _>("api_key_id")?.map(ApiKeyId),
        },
        detail: row.try_get::<Option<String>, _>("detail")?.map(AuditDetail::from_stored),
    };
    Ok(AuditRecord { id: AuditId(row.try_get("id")?), event })
}

/// A single event has no time of a last one.
fn merged_events(row: &Row) -> Result<Option<MergedEvents>, DbError> {
    let Some(last_at) = optional_time(row, "last_at")? else { return Ok(None) };
    let count =
        u32::try_from(row.try_get::<i64, _>("count")?).map_err(|_| CorruptValue("count of an event"))?;
    Ok(Some(MergedEvents { count, last_at }))
}

fn status(row: &Row) -> Result<UserStatus, DbError> {
    required(row, "status", "status", UserStatus::parse)
}

fn roles(row: &Row) -> Result<Roles, DbError> {
    required(row, "roles", "roles", |names| Roles::parse(names).ok())
}

/// Parses a text that is never null. An error names `kind`.
fn required<T>(
    row: &Row,
    column: &str,
    kind: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, DbError> {
    let stored: String = row.try_get(column)?;
    Ok(parse(&stored).ok_or(CorruptValue(kind))?)
}

/// Parses a text that may be null. An error names `kind`.
fn optional<T>(
    row: &Row,
    column: &str,
    kind: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, DbError> {
    let stored: Option<String> = row.try_get(column)?;
    Ok(stored.map(|stored| parse(&stored).ok_or(CorruptValue(kind))).transpose()?)
}

fn time(row: &Row, column: &str) -> Result<Timestamp, DbError> {
    Ok(to_time(row.try_get(column)?))
}

fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, DbError> {
    Ok(row.try_get::<Option<DbTime>, _>(column)?.map(to_time))
}

impl From<CorruptValue> for DbError {
    fn from(value: CorruptValue) -> Self {
        Self::Corrupt(ErrorMessage::new(value.to_string()))
    }
}
