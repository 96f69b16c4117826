//! The statements of an import on SQLite. Each takes the whole batch as one JSON array.

use auth_domain::model::{DisplayName, EmailAddress, ImportDigest, ImportedUser, PhoneNumber, Username};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::error::DbError;
use super::values::{from_time, hex};

pub(super) const KNOWN: &str =
    "SELECT digest FROM account_imports WHERE digest IN (SELECT unhex(value) FROM json_each($1))";

pub(super) const TAKEN: &str =
    "SELECT key FROM account_identifiers WHERE key IN (SELECT value FROM json_each($1))";

const TAKE_KEYS: &str = "
    INSERT INTO account_identifiers (key, account_id)
    SELECT value ->> 'key', unhex(value ->> 'id') FROM json_each($1)";

const INSERT: &str = "
    INSERT INTO accounts
        (id, username, email, email_verified, display_name, phone_number, status, roles, password_hash, created_at)
    SELECT unhex(value ->> 'id'), value ->> 'username', value ->> 'email', value ->> 'email_verified',
           value ->> 'display_name', value ->> 'phone_number', value ->> 'status', value ->> 'roles',
           value ->> 'password_hash', value ->> 'created_at'
    FROM json_each($1) ORDER BY key";

const INSERT_IMPORTS: &str = "
    INSERT INTO account_imports (digest, account_id)
    SELECT unhex(value ->> 'digest'), unhex(value ->> 'id') FROM json_each($1)";

pub(super) fn blobs(digests: &[ImportDigest]) -> String {
    digests.iter().map(|digest| hex(digest.as_bytes())).collect::<Value>().to_string()
}

pub(super) fn texts(keys: Vec<&str>) -> String {
    Value::from(keys).to_string()
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    users: &[&ImportedUser],
) -> Result<(), DbError> {
    let keys: Value = users.iter().flat_map(|imported| keys_of(imported)).collect();
    let users: Value = users.iter().map(|imported| user_json(imported)).collect();
    sqlx::query(TAKE_KEYS).bind(keys.to_string()).execute(&mut *connection).await?;
    let users = users.to_string();
    sqlx::query(INSERT).bind(&users).execute(&mut *connection).await?;
    sqlx::query(INSERT_IMPORTS).bind(&users).execute(connection).await?;
    Ok(())
}

fn keys_of(imported: &ImportedUser) -> Vec<Value> {
    let id = hex(imported.user.id.0.as_bytes());
    let keys = imported.user.identifiers.keys();
    keys.into_iter().map(|(_, key)| json!({ "key": key.as_str(), "id": id })).collect()
}

fn user_json(imported: &ImportedUser) -> Value {
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
        "created_at": from_time(user.created_at),
    })
}
