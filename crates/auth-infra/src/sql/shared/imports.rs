//! Imports several users in one transaction. Each statement handles the whole batch.
//!
//! `super` is the module of an engine: see `crate::sql`.

use std::collections::BTreeSet;

use auth_domain::model::{IdentifierKey, ImportDigest, ImportOutcome, ImportedUser, judge_import};

use super::import_statements::{KNOWN, TAKEN, blobs, insert, texts};
use super::prelude::{Connection, DbError};
use crate::sql::{CorruptValue, TxOutcome};

/// Stores the users of `batch` that [`judge_import`] lets in. Returns one outcome for each user.
pub(crate) async fn import(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<TxOutcome<Vec<ImportOutcome>>, DbError> {
    // Keys are read before digests, because another node may commit the same users between the two reads. In this order
    // its digests are visible whenever its keys are, and the outcome is `AlreadyImported`. In the other order the outcome
    // would be a conflict of names.
    let taken = read_taken_keys(connection, batch).await?;
    let known = read_imported_digests(connection, batch).await?;
    let outcomes = judge_import(batch, &known, &taken);
    let accepted: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
        .map(|(imported, _)| imported)
        .collect();
    if accepted.is_empty() {
        return Ok(TxOutcome::Rollback(outcomes));
    }
    insert(connection, &accepted).await?;
    Ok(TxOutcome::Commit(outcomes))
}

/// Returns the identifier keys of the batch that stored users have.
async fn read_taken_keys(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<IdentifierKey>, DbError> {
    let keys: Vec<_> = batch.iter().flat_map(|imported| imported.user.identifiers.keys()).collect();
    let keys_as_text = texts(keys.iter().map(|(_, key)| key.as_str()).collect());
    let taken: Vec<String> = sqlx::query_scalar(TAKEN).bind(keys_as_text).fetch_all(connection).await?;
    let taken: BTreeSet<_> = taken.into_iter().collect();
    Ok(keys.into_iter().map(|(_, key)| key).filter(|key| taken.contains(key.as_str())).cloned().collect())
}

/// Returns the digests in the batch that were imported before.
async fn read_imported_digests(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<BTreeSet<ImportDigest>, DbError> {
    let digests: Vec<_> = batch.iter().map(ImportedUser::digest).collect();
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(KNOWN).bind(blobs(&digests)).fetch_all(connection).await?;
    let mut known = BTreeSet::new();
    for stored in stored {
        let digest = stored.try_into().map_err(|_| CorruptValue("digest of an import"))?;
        known.insert(ImportDigest::from_bytes(digest));
    }
    Ok(known)
}
