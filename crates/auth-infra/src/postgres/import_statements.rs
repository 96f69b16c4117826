//! The statements of an import on PostgreSQL. Each takes the whole batch as arrays: a batch costs five round trips, however
//! many users it has.

use auth_domain::model::{DisplayName, EmailAddress, ImportDigest, ImportedUser, PhoneNumber, Username};
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::error::DbError;
use super::values::{array, from_time};
use crate::sql::ErrorMessage;

pub(super) const KNOWN: &str = "SELECT digest FROM account_imports WHERE digest = ANY($1)";

pub(super) const TAKEN: &str = "SELECT key FROM account_identifiers WHERE key = ANY($1)";

/// First waits for transactions that take or free one of the keys, then takes those that are free.
const TAKE_KEYS: &str = "
    INSERT INTO account_identifiers (key, account_id)
    SELECT * FROM unnest($1::text[], $2::uuid[])
    ON CONFLICT (key) DO NOTHING";

const INSERT: &str = "
    INSERT INTO accounts
        (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, created_at)
    SELECT id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, created_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::timestamptz[])
         WITH ORDINALITY
         AS batch (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash,
                   created_at, ordinal)
    ORDER BY ordinal";

const INSERT_IMPORTS: &str =
    "INSERT INTO account_imports (digest, account_id) SELECT * FROM unnest($1::bytea[], $2::uuid[])";

pub(super) fn blobs(digests: &[ImportDigest]) -> Vec<&[u8]> {
    array(digests, |digest| digest.as_bytes().as_slice())
}

pub(super) fn texts(keys: Vec<&str>) -> Vec<&str> {
    keys
}

pub(super) async fn insert(connection: &mut PgConnection, users: &[&ImportedUser]) -> Result<(), DbError> {
    let ids = array(users, |imported| imported.user.id.0);
    let digests = array(users, |imported| imported.digest().as_bytes().to_vec());
    take_keys(connection, users).await?;
    insert_users(connection, users, &ids).await?;
    sqlx::query(INSERT_IMPORTS).bind(digests).bind(ids).execute(connection).await?;
    Ok(())
}

async fn take_keys(connection: &mut PgConnection, users: &[&ImportedUser]) -> Result<(), DbError> {
    let mut keys: Vec<(String, Uuid)> = Vec::new();
    for imported in users {
        let user = &imported.user;
        keys.extend(user.identifiers.keys().into_iter().map(|(_, key)| (key.as_str().to_owned(), user.id.0)));
    }
    // Every writer takes keys in ascending order, so that no two transactions wait for each other.
    keys.sort();
    let (keys, holders): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    let wanted = keys.len();
    let taken = sqlx::query(TAKE_KEYS).bind(keys).bind(holders).execute(connection).await?.rows_affected();
    if usize::try_from(taken) == Ok(wanted) {
        Ok(())
    } else {
        // Another transaction took a key after this one looked. A retry judges the batch again.
        Err(DbError::Contended(ErrorMessage::new("a name was taken while it was imported")))
    }
}

async fn insert_users(
    connection: &mut PgConnection,
    users: &[&ImportedUser],
    ids: &[Uuid],
) -> Result<(), DbError> {
    sqlx::query(INSERT)
        .bind(ids)
        .bind(array(users, |imported| imported.user.identifiers.username().map(Username::as_str)))
        .bind(array(users, |imported| imported.user.identifiers.email().map(EmailAddress::as_str)))
        .bind(array(users, |imported| imported.email_verified))
        .bind(array(users, |imported| imported.user.display_name.as_ref().map(DisplayName::as_str)))
        .bind(array(users, |imported| imported.user.phone_number.as_ref().map(PhoneNumber::as_str)))
        .bind(array(users, |imported| imported.status.as_str()))
        .bind(array(users, |imported| imported.user.roles.to_string()))
        .bind(array(users, |imported| imported.user.password_hash.expose()))
        .bind(array(users, |imported| from_time(imported.user.created_at)))
        .execute(connection)
        .await?;
    Ok(())
}
