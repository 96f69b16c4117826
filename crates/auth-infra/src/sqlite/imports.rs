//! What an import writes: a batch of users in a transaction that the caller begins and ends.
//!
//! A batch goes to SQLite as one JSON array, so that each statement works on all of it.

use std::collections::BTreeSet;

use auth_domain::model::{
    DisplayName, EmailAddress, IdentifierKey, ImportDigest, ImportOutcome, ImportedUser, PhoneNumber,
    Username, judge_import,
};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::error::DbError;
use super::rows::stored;
use crate::store::{CorruptValue, TxOutcome};

const KNOWN: &str =
    "SELECT digest FROM account_imports WHERE digest IN (SELECT unhex(value) FROM json_each(?1))";

const TAKEN: &str = "SELECT key FROM account_identifiers WHERE key IN (SELECT value FROM json_each(?1))";

const TAKE_KEYS: &str = "
    INSERT INTO account_identifiers (key, account_id)
    SELECT value ->> 'key', unhex(value ->> 'id') FROM json_each(?1)";

const INSERT: &str = "
    INSERT INTO accounts
        (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, created_at)
    SELECT unhex(value ->> 'id'), value ->> 'username', value ->> 'email', value ->> 'email_verified',
           value ->> 'display_name', value ->> 'phone_number', value ->> 'status', value ->> 'roles',
           value ->> 'password_hash', value ->> 'created_at'
    FROM json_each(?1) ORDER BY key";

const NOTE: &str = "
    INSERT INTO account_imports (digest, account_id)
    SELECT unhex(value ->> 'digest'), unhex(value ->> 'id') FROM json_each(?1)";

pub(super) async fn import(
    connection: &mut SqliteConnection,
    batch: &[ImportedUser],
) -> Result<TxOutcome<Vec<ImportOutcome>>, DbError> {
    let known = known(connection, batch).await?;
    let taken = taken(connection, batch).await?;
    let outcomes = judge_import(batch, &known, &taken);
    let let_in: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
        .map(|(imported, _)| imported)
        .collect();
    if let_in.is_empty() {
        return Ok(TxOutcome::Rollback(outcomes));
    }
    let keys: Value = let_in.iter().flat_map(|imported| keys_of(imported)).collect();
    let users: Value = let_in.iter().map(|imported| written(imported)).collect();
    sqlx::query(TAKE_KEYS).bind(keys.to_string()).execute(&mut *connection).await?;
    let users = users.to_string();
    sqlx::query(INSERT).bind(&users).execute(&mut *connection).await?;
    sqlx::query(NOTE).bind(&users).execute(connection).await?;
    Ok(TxOutcome::Commit(outcomes))
}

/// The digests of those in the batch who were imported before.
async fn known(
    connection: &mut SqliteConnection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<ImportDigest>, DbError> {
    let digests: Value = batch.iter().map(|imported| hex(imported.digest().as_bytes())).collect();
    let query = sqlx::query_scalar(KNOWN).bind(digests.to_string());
    let known: Vec<Vec<u8>> = query.fetch_all(connection).await?;
    let read = |digest: Vec<u8>| digest.try_into().map(ImportDigest::from_bytes);
    Ok(known
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|_| CorruptValue("digest of an import"))?)
}

/// The keys in the batch that somebody has.
async fn taken(
    connection: &mut SqliteConnection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<IdentifierKey>, DbError> {
    let keys: Vec<_> = batch.iter().flat_map(|imported| imported.user.identifiers.keys()).collect();
    let texts: Value = keys.iter().map(|(_, key)| key.as_str()).collect();
    let taken: Vec<String> = sqlx::query_scalar(TAKEN).bind(texts.to_string()).fetch_all(connection).await?;
    let taken: BTreeSet<_> = taken.into_iter().collect();
    let is_taken = |key: &&IdentifierKey| taken.contains(key.as_str());
    Ok(keys.into_iter().map(|(_, key)| key).filter(is_taken).cloned().collect())
}

fn keys_of(imported: &ImportedUser) -> Vec<Value> {
    let id = hex(imported.user.id.0.as_bytes());
    let keys = imported.user.identifiers.keys();
    keys.into_iter().map(|(_, key)| json!({ "key": key.as_str(), "id": id })).collect()
}

fn written(imported: &ImportedUser) -> Value {
    let user = &imported.user;
    json!({
        "id": hex(user.id.0.as_bytes()),
        "digest": hex(imported.digest().as_bytes()),
        "username": user.identifiers.username().map(Username::as_str),
        "email": user.identifiers.email().map(EmailAddress::as_str),
        "email_verified": imported.email_verified,
        "display_name": user.display_name.as_ref().map(DisplayName::as_str),
        "phone_number": user.phone_number.as_ref().map(PhoneNumber::as_str),
        "status": imported.status.as_str(),
        "roles": user.roles.to_string(),
        "password_hash": user.password_hash.expose(),
        "created_at": stored(user.created_at),
    })
}

/// Bytes as SQLite's `unhex` reads them: JSON has none.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
