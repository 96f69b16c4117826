//! The nodes that serve one database, and the keys that they sign with.

use auth_domain::ports::PortError;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use sqlx::types::Uuid;

use super::PostgresStore;
use super::error::DbError;
use crate::sql::{NodeKeys, TxOutcome, call};

/// Records the keys of this node, and reads those of the others that reported within ten seconds. Rows of nodes that ended
/// are deleted an hour later.
const EXCHANGE: &str = "
    WITH reported AS (
        INSERT INTO nodes (id, signing_kid, newest_kid, seen_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (id) DO UPDATE SET signing_kid = $2, newest_kid = $3, seen_at = now()
    ), forgotten AS (
        DELETE FROM nodes WHERE id <> $1 AND seen_at < now() - interval '1 hour'
    )
    SELECT signing_kid, newest_kid FROM nodes
    WHERE id <> $1 AND seen_at > now() - interval '10 seconds' ORDER BY id";

impl PostgresStore {
    pub(crate) async fn exchange_keys(
        &self,
        node: [u8; 16],
        keys: &NodeKeys,
    ) -> Result<Vec<NodeKeys>, PortError> {
        let (signing, newest) = (keys.signing.as_str(), keys.newest.as_str());
        call!(self.db.write, exchange(node, signing, newest))
    }
}

async fn exchange(
    connection: &mut PgConnection,
    node: [u8; 16],
    signing: &str,
    newest: &str,
) -> Result<TxOutcome<Vec<NodeKeys>>, DbError> {
    let query = sqlx::query(EXCHANGE).bind(Uuid::from_bytes(node)).bind(signing).bind(newest);
    let rows = query.fetch_all(connection).await?;
    let others = rows
        .iter()
        .map(|row| Ok(NodeKeys { signing: row.try_get("signing_kid")?, newest: row.try_get("newest_kid")? }));
    Ok(TxOutcome::Commit(others.collect::<Result<_, DbError>>()?))
}
