//! What an import writes: a batch of users in a transaction that the caller begins and ends.
//!
//! Each statement works on the whole batch: a batch costs five round trips, however many users it has.

use std::collections::BTreeSet;

use auth_domain::model::{
    DisplayName, EmailAddress, IdentifierKey, ImportDigest, ImportOutcome, ImportedUser, PhoneNumber,
    Username, judge_import,
};
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;
use sqlx::types::time::OffsetDateTime;

use super::error::DbError;
use super::rows::stored;
use crate::store::{CorruptValue, ErrorMessage, TxOutcome};

const KNOWN: &str = "SELECT digest FROM account_imports WHERE digest = ANY($1)";

const TAKEN: &str = "SELECT key FROM account_identifiers WHERE key = ANY($1)";

/// Waits for whoever is about to take or to free one of the keys, and takes those that are not taken then.
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

const NOTE: &str =
    "INSERT INTO account_imports (digest, account_id) SELECT * FROM unnest($1::bytea[], $2::uuid[])";

pub(super) async fn import(
    connection: &mut PgConnection,
    batch: &[ImportedUser],
) -> Result<TxOutcome<Vec<ImportOutcome>>, DbError> {
    // In this order: whose names are found taken by the same import at work elsewhere is then found to be known.
    let taken = taken(connection, batch).await?;
    let known = known(connection, batch).await?;
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
    take_keys(connection, &let_in).await?;
    insert(connection, &let_in).await?;
    let digests: Vec<_> = let_in.iter().map(|imported| imported.digest().as_bytes().to_vec()).collect();
    sqlx::query(NOTE).bind(digests).bind(ids(&let_in)).execute(connection).await?;
    Ok(TxOutcome::Commit(outcomes))
}

/// The digests of those in the batch who were imported before.
async fn known(
    connection: &mut PgConnection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<ImportDigest>, DbError> {
    let digests: Vec<_> = batch.iter().map(|imported| imported.digest().as_bytes().to_vec()).collect();
    let known: Vec<Vec<u8>> = sqlx::query_scalar(KNOWN).bind(digests).fetch_all(connection).await?;
    let read = |digest: Vec<u8>| digest.try_into().map(ImportDigest::from_bytes);
    Ok(known
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|_| CorruptValue("digest of an import"))?)
}

/// The keys in the batch that somebody has.
async fn taken(
    connection: &mut PgConnection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<IdentifierKey>, DbError> {
    let keys: Vec<_> = batch.iter().flat_map(|imported| imported.user.identifiers.keys()).collect();
    let texts: Vec<_> = keys.iter().map(|(_, key)| key.as_str()).collect();
    let taken: Vec<String> = sqlx::query_scalar(TAKEN).bind(texts).fetch_all(connection).await?;
    let taken: BTreeSet<_> = taken.into_iter().collect();
    let is_taken = |key: &&IdentifierKey| taken.contains(key.as_str());
    Ok(keys.into_iter().map(|(_, key)| key).filter(is_taken).cloned().collect())
}

/// Takes every key, in ascending order as every writer does.
async fn take_keys(connection: &mut PgConnection, let_in: &[&ImportedUser]) -> Result<(), DbError> {
    let keys_of = |imported: &&'_ ImportedUser| {
        let keys = imported.user.identifiers.keys();
        keys.into_iter().map(|(_, key)| (key.as_str().to_owned(), imported.user.id.0)).collect::<Vec<_>>()
    };
    let mut keys: Vec<(String, Uuid)> = let_in.iter().flat_map(keys_of).collect();
    keys.sort();
    let (keys, holders): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    let wanted = keys.len();
    let took = sqlx::query(TAKE_KEYS).bind(keys).bind(holders).execute(connection).await?.rows_affected();
    if usize::try_from(took) == Ok(wanted) {
        Ok(())
    } else {
        // Somebody took a key after it was looked for: the batch has to be judged again.
        Err(DbError::Contended(ErrorMessage::new("a name was taken while it was imported")))
    }
}

async fn insert(connection: &mut PgConnection, let_in: &[&ImportedUser]) -> Result<(), DbError> {
    let users = || let_in.iter().map(|imported| &imported.user);
    let username = |name: &Username| name.as_str().to_owned();
    let email = |address: &EmailAddress| address.as_str().to_owned();
    let display_name = |name: &DisplayName| name.as_str().to_owned();
    let phone_number = |number: &PhoneNumber| number.as_str().to_owned();
    let texts = |text: &dyn Fn(&ImportedUser) -> Option<String>| {
        let_in.iter().map(|imported| text(imported)).collect::<Vec<_>>()
    };
    sqlx::query(INSERT)
        .bind(ids(let_in))
        .bind(texts(&|imported| imported.user.identifiers.username().map(username)))
        .bind(texts(&|imported| imported.user.identifiers.email().map(email)))
        .bind(let_in.iter().map(|imported| imported.email_verified).collect::<Vec<_>>())
        .bind(texts(&|imported| imported.user.display_name.as_ref().map(display_name)))
        .bind(texts(&|imported| imported.user.phone_number.as_ref().map(phone_number)))
        .bind(let_in.iter().map(|imported| imported.status.as_str()).collect::<Vec<_>>())
        .bind(users().map(|user| user.roles.to_string()).collect::<Vec<_>>())
        .bind(users().map(|user| user.password_hash.expose()).collect::<Vec<_>>())
        .bind(users().map(|user| stored(user.created_at)).collect::<Vec<OffsetDateTime>>())
        .execute(connection)
        .await?;
    Ok(())
}

fn ids(let_in: &[&ImportedUser]) -> Vec<Uuid> {
    let_in.iter().map(|imported| imported.user.id.0).collect()
}
