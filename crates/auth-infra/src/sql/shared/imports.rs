//! Imports: a batch of users in a transaction of the caller. Each statement handles the whole batch.

use std::collections::BTreeSet;

use auth_domain::model::{IdentifierKey, ImportDigest, ImportOutcome, ImportedUser, judge_import};

use super::import_statements::{KNOWN, TAKEN, blobs, insert, texts};
use super::prelude::{Connection, DbError};
use crate::sql::{CorruptValue, TxOutcome};

pub(crate) async fn import(
    connection: &mut Connection,
    batch: &[ImportedUser],
) -> Result<TxOutcome<Vec<ImportOutcome>>, DbError> {
    // Keys before digests: if another node is importing the same batch, its keys are visible together with its digests. A key
    // that was read as taken is then also found to be imported, and the outcome is not a conflict.
    let taken = taken(connection, batch).await?;
    let known = known(connection, batch).await?;
    let outcomes = judge_import(batch, &known, &taken);
    let admitted: Vec<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == ImportOutcome::Imported)
        .map(|(imported, _)| imported)
        .collect();
    if admitted.is_empty() {
        return Ok(TxOutcome::Rollback(outcomes));
    }
    insert(connection, &admitted).await?;
    Ok(TxOutcome::Commit(outcomes))
}

/// Returns the keys in the batch that belong to a user.
async fn taken(
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
async fn known(
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
