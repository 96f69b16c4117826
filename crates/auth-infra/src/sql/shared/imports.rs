//! Imports several users in one transaction. Each statement takes the whole batch as one JSON array, so a batch costs five to
//! seven round trips, however many users it has.

use std::collections::{BTreeMap, BTreeSet};

use auth_domain::model::{
    DisplayName, EmailAddress, ExternalId, IdentifierKey, ImportDigest, ImportOutcome, ImportState,
    ImportedUser, Metadata, PasswordHash, PhoneNumber, UserId, Username, judge_import,
};
use serde_json::{Value, json};
use sqlx::types::Uuid;

use super::error::DbError;
use super::prelude::{Connection, lock_external_ids, statement};
use crate::sql::{CorruptValue, ErrorMessage, TxOutcome, hex};

/// Stores the users of `batch` that [`judge_import`] lets in. Returns one outcome for each user.
pub(crate) async fn import(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<TxOutcome<Vec<ImportOutcome>>, DbError> {
    if batch.iter().any(|imported| imported.external_id.is_some()) {
        lock_external_ids(connection).await?;
    }
    let outcomes = judge_import(batch, find_import_state(connection, batch).await?);
    let accepted: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
        .map(|(imported, _)| imported)
        .collect();
    if accepted.is_empty() {
        return Ok(TxOutcome::Rollback(outcomes));
    }
    take_keys(connection, &accepted).await?;
    let users = accepted.iter().map(|imported| user_json(imported)).collect::<Value>().to_string();
    for insert in [statement!("import_insert_users"), statement!("import_insert_digests")] {
        sqlx::query(insert).bind(&users).execute(&mut *connection).await?;
    }
    Ok(TxOutcome::Commit(outcomes))
}

/// Returns what is stored of a batch.
pub(crate) async fn find_import_state(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<ImportState, DbError> {
    // Keys are read before digests, because another node may commit the same users between the two reads. In this order
    // its digests are visible whenever its keys are, and the outcome is `AlreadyImported`. In the other order the outcome
    // would be a conflict of names.
    let taken_external_ids = read_taken_external_ids(connection, batch).await?;
    let taken = read_taken_keys(connection, batch).await?;
    let known = read_imported_digests(connection, batch).await?;
    Ok(ImportState { known, taken, taken_external_ids })
}

/// Returns the external ids of the batch that stored users have.
async fn read_taken_external_ids(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<ExternalId>, DbError> {
    let ids: Vec<_> = batch.iter().filter_map(|imported| imported.external_id.as_ref()).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted: Value = ids.iter().map(|id| id.as_str()).collect();
    let query = sqlx::query_scalar(statement!("import_find_external_ids")).bind(wanted.to_string());
    let taken: BTreeSet<String> = query.fetch_all(connection).await?.into_iter().collect();
    Ok(ids.into_iter().filter(|id| taken.contains(id.as_str())).cloned().collect())
}

/// Returns the identifier keys of the batch that stored users have.
async fn read_taken_keys(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<IdentifierKey>, DbError> {
    let keys: Vec<_> = batch.iter().flat_map(|imported| imported.user.identifiers.keys()).collect();
    let wanted: Value = keys.iter().map(|(_, key)| key.as_str()).collect();
    let query = sqlx::query_scalar(statement!("import_find_keys")).bind(wanted.to_string());
    let taken: BTreeSet<String> = query.fetch_all(connection).await?.into_iter().collect();
    Ok(keys.into_iter().map(|(_, key)| key).filter(|key| taken.contains(key.as_str())).cloned().collect())
}

/// Returns the users of the batch that were imported before.
async fn read_imported_digests(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<BTreeMap<ImportDigest, UserId>, DbError> {
    let wanted: Value = batch.iter().map(|imported| hex(imported.digest().as_bytes())).collect();
    let query = sqlx::query_as(statement!("import_find_digests")).bind(wanted.to_string());
    let stored: Vec<(Vec<u8>, Uuid)> = query.fetch_all(connection).await?;
    let mut known = BTreeMap::new();
    for (digest, user) in stored {
        let digest = digest.try_into().map_err(|_| CorruptValue("digest of an import"))?;
        known.insert(ImportDigest::from_bytes(digest), UserId(user));
    }
    Ok(known)
}

async fn take_keys(connection: &mut Connection, users: &[&ImportedUser]) -> Result<(), DbError> {
    let mut keys = Vec::new();
    for imported in users {
        let id = hex(imported.user.id.0.as_bytes());
        keys.extend(imported.user.identifiers.keys().iter().map(|(_, key)| (key.as_str(), id.clone())));
    }
    // Every writer takes keys in ascending order, so that no two transactions wait for each other.
    keys.sort();
    let wanted: Value = keys.iter().map(|(key, id)| json!([key, id])).collect();
    let query = sqlx::query(statement!("import_take_keys")).bind(wanted.to_string());
    let taken = query.execute(connection).await?.rows_affected();
    if usize::try_from(taken) == Ok(keys.len()) {
        Ok(())
    } else {
        // Another transaction took a key after this one looked. A retry judges the batch again.
        Err(DbError::Contended(ErrorMessage::new("a name was taken while it was imported")))
    }
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
        "password_hash": user.password_hash.as_ref().map(PasswordHash::expose),
        "external_id": imported.external_id.as_ref().map(ExternalId::as_str),
        "created_at": user.created_at.unix_micros(),
        "metadata": user.metadata.as_ref().map(Metadata::as_str),
    })
}
