//! Writes of users, each in a transaction of the caller.
//!
//! A transaction locks the user's row before the rows of sessions, so that no two transactions wait for each other.

use auth_domain::model::{
    DisplayName, EmailAddress, EndReason, IdentifierKey, IdentifierKind, Identifiers, Metadata, NewUser,
    PasswordHash, PasswordVersion, PhoneNumber, Roles, Timestamp, User, UserChanges, UserId, UserStatus,
    Username,
};
use auth_domain::ports::{RegisterOutcome, UpdateOutcome};

use super::prelude::{Connection, DbError, from_time, row_lock};
use super::rows::{self, user_columns};
use crate::sql::TxOutcome;

/// Takes the key unless it is taken. PostgreSQL first waits for a transaction that takes or frees the same key.
const TAKE_KEY: &str =
    "INSERT INTO account_identifiers (key, account_id) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";

const FREE_KEY: &str = "DELETE FROM account_identifiers WHERE key = $1 AND account_id = $2";

const INSERT: &str = concat!(
    "INSERT INTO accounts
         (id, username, email, display_name, phone_number, roles, password_hash, created_at, metadata)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     RETURNING",
    user_columns!()
);

const LOCK: &str = concat!("SELECT", user_columns!(), "FROM accounts WHERE id = $1", row_lock!());

const UPDATE: &str = "
    UPDATE accounts
    SET username = $2, email = $3, email_verified = $4, display_name = $5, phone_number = $6, metadata = $7
    WHERE id = $1";

const SET_PASSWORD: &str =
    "UPDATE accounts SET password_hash = $2, password_version = password_version + 1 WHERE id = $1";

const CHANGE_PASSWORD: &str = "
    UPDATE accounts SET password_hash = $2, password_version = password_version + 1
    WHERE id = $1 AND password_version = $3";

const UPGRADE_PASSWORD_HASH: &str =
    "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2";

const SET_STATUS: &str = concat!("UPDATE accounts SET status = $2 WHERE id = $1 RETURNING", user_columns!());

const SET_ROLES: &str = "UPDATE accounts SET roles = $2 WHERE id = $1";

/// Deletes everything that belongs to the user, because the foreign keys cascade.
const DELETE: &str = "DELETE FROM accounts WHERE id = $1";

const END_SESSIONS: &str =
    "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE account_id = $1 AND ended_at IS NULL";

pub(crate) async fn register(
    connection: &mut Connection,
    user: &NewUser,
) -> Result<TxOutcome<RegisterOutcome>, DbError> {
    if let Some(kind) = take_keys(connection, user.id, &user.identifiers.keys()).await? {
        return Ok(TxOutcome::Rollback(RegisterOutcome::Taken(kind)));
    }
    let row = sqlx::query(INSERT)
        .bind(user.id.0)
        .bind(user.identifiers.username().map(Username::as_str))
        .bind(user.identifiers.email().map(EmailAddress::as_str))
        .bind(user.display_name.as_ref().map(DisplayName::as_str))
        .bind(user.phone_number.as_ref().map(PhoneNumber::as_str))
        .bind(user.roles.to_string())
        .bind(user.password_hash.as_ref().map(PasswordHash::expose))
        .bind(from_time(user.created_at))
        .bind(user.metadata.as_ref().map(Metadata::as_str))
        .fetch_one(connection)
        .await?;
    Ok(TxOutcome::Commit(RegisterOutcome::Registered(rows::user(&row)?)))
}

pub(crate) async fn update(
    connection: &mut Connection,
    user: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<TxOutcome<UpdateOutcome>, DbError> {
    let Some(row) = sqlx::query(LOCK).bind(user.0).fetch_optional(&mut *connection).await? else {
        return Ok(TxOutcome::Rollback(UpdateOutcome::NotFound));
    };
    let before = rows::user(&row)?;
    let after = before.clone().changed(changes);
    if let Some(kind) = move_keys(connection, user, &before.identifiers, &after.identifiers).await? {
        return Ok(TxOutcome::Rollback(UpdateOutcome::Taken(kind)));
    }
    sqlx::query(UPDATE)
        .bind(user.0)
        .bind(after.username())
        .bind(after.email())
        .bind(after.email_verified)
        .bind(after.display_name.as_ref().map(DisplayName::as_str))
        .bind(after.phone_number.as_ref().map(PhoneNumber::as_str))
        .bind(after.metadata.as_ref().map(Metadata::as_str))
        .execute(&mut *connection)
        .await?;
    if let Some(hash) = &changes.password_hash {
        sqlx::query(SET_PASSWORD).bind(user.0).bind(hash.expose()).execute(&mut *connection).await?;
        end_sessions(connection, user, EndReason::PasswordChanged, now).await?;
        return Ok(TxOutcome::CommitRevoking(UpdateOutcome::Updated(after)));
    }
    Ok(TxOutcome::Commit(UpdateOutcome::Updated(after)))
}

pub(crate) async fn change_password(
    connection: &mut Connection,
    user: UserId,
    version: PasswordVersion,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<TxOutcome<bool>, DbError> {
    let query = sqlx::query(CHANGE_PASSWORD).bind(user.0).bind(hash.expose()).bind(version.0);
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(TxOutcome::Rollback(false));
    }
    end_sessions(connection, user, EndReason::PasswordChanged, now).await?;
    Ok(TxOutcome::CommitRevoking(true))
}

pub(crate) async fn upgrade_password_hash(
    connection: &mut Connection,
    user: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<TxOutcome<bool>, DbError> {
    let query = sqlx::query(UPGRADE_PASSWORD_HASH).bind(user.0).bind(old.expose()).bind(new.expose());
    let answer = query.execute(connection).await?;
    Ok(TxOutcome::if_changed(answer.rows_affected() > 0))
}

pub(crate) async fn set_status(
    connection: &mut Connection,
    user: UserId,
    status: UserStatus,
    now: Timestamp,
) -> Result<TxOutcome<Option<User>>, DbError> {
    let query = sqlx::query(SET_STATUS).bind(user.0).bind(status.as_str());
    let Some(row) = query.fetch_optional(&mut *connection).await? else {
        return Ok(TxOutcome::Rollback(None));
    };
    if let Some(reason) = status.ends_sessions() {
        end_sessions(connection, user, reason, now).await?;
        return Ok(TxOutcome::CommitRevoking(Some(rows::user(&row)?)));
    }
    Ok(TxOutcome::Commit(Some(rows::user(&row)?)))
}

pub(crate) async fn set_roles(
    connection: &mut Connection,
    user: UserId,
    roles: &Roles,
    now: Timestamp,
) -> Result<TxOutcome<Option<User>>, DbError> {
    let Some(row) = sqlx::query(LOCK).bind(user.0).fetch_optional(&mut *connection).await? else {
        return Ok(TxOutcome::Rollback(None));
    };
    let before = rows::user(&row)?;
    let Some(reason) = before.ends_sessions_for(roles) else {
        return Ok(TxOutcome::Rollback(Some(before)));
    };
    sqlx::query(SET_ROLES).bind(user.0).bind(roles.to_string()).execute(&mut *connection).await?;
    end_sessions(connection, user, reason, now).await?;
    Ok(TxOutcome::CommitRevoking(Some(User { roles: roles.clone(), ..before })))
}

pub(crate) async fn delete(connection: &mut Connection, user: UserId) -> Result<TxOutcome<bool>, DbError> {
    let answer = sqlx::query(DELETE).bind(user.0).execute(connection).await?;
    Ok(TxOutcome::if_revoked(answer.rows_affected() > 0))
}

/// Takes `keys` in their order. Returns which of them belongs to another user: the username if both do.
async fn take_keys(
    connection: &mut Connection,
    user: UserId,
    keys: &[(IdentifierKind, &IdentifierKey)],
) -> Result<Option<IdentifierKind>, DbError> {
    let mut taken = None;
    for (kind, key) in keys {
        let query = sqlx::query(TAKE_KEY).bind(key.as_str()).bind(user.0);
        let took = query.execute(&mut *connection).await?.rows_affected() > 0;
        if !took && taken != Some(IdentifierKind::Username) {
            taken = Some(*kind);
        }
    }
    Ok(taken)
}

/// Takes the new keys before it frees the old ones. A transaction that waits for an old key then waits for one that no longer
/// waits for any key, so there is no deadlock.
async fn move_keys(
    connection: &mut Connection,
    user: UserId,
    before: &Identifiers,
    after: &Identifiers,
) -> Result<Option<IdentifierKind>, DbError> {
    let (old, mut new) = (before.keys(), after.keys());
    new.retain(|(_, key)| old.iter().all(|(_, known)| known != key));
    let taken = take_keys(connection, user, &new).await?;
    if taken.is_none() {
        let kept = after.keys();
        for (_, key) in old.iter().filter(|(_, key)| kept.iter().all(|(_, known)| known != key)) {
            sqlx::query(FREE_KEY).bind(key.as_str()).bind(user.0).execute(&mut *connection).await?;
        }
    }
    Ok(taken)
}

async fn end_sessions(
    connection: &mut Connection,
    user: UserId,
    reason: EndReason,
    now: Timestamp,
) -> Result<(), DbError> {
    sqlx::query(END_SESSIONS)
        .bind(user.0)
        .bind(from_time(now))
        .bind(reason.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
