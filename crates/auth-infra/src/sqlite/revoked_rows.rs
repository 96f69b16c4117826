//! Reading the table `revoked_sessions` on SQLite.

use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Uuid;

use super::error::DbError;
use super::shared::commit;
use crate::sql::{CHUNK_SIZE, Lease, RevokedRow, RevokedSessions, Snapshot};

/// The rows after a number. Numbers ascend in the order of commits.
const NEWS: &str = "
    SELECT number, session_id, recorded_at / 1000000 FROM revoked_sessions WHERE number > $1 ORDER BY number";

/// Commits, and publishes the revoked sessions before the caller is answered.
pub(super) async fn commit_revoking(lease: &mut Lease<SqliteConnection>) -> Result<(), DbError> {
    commit(lease).await?;
    catch_up(lease).await;
    Ok(())
}

/// Reads what this connection has just committed, if the feed is followed. If this fails, the feed is stale until the next read.
pub(super) async fn catch_up(lease: &mut Lease<SqliteConnection>) {
    let revoked = lease.revoked();
    if revoked.is_followed() && read(lease, &revoked, revoked.seen()).await.is_err() {
        revoked.mark_stale();
    }
}

/// Reads the rows after a number.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    revoked: &RevokedSessions,
    after: i64,
) -> Result<(), DbError> {
    let asked = Instant::now();
    let (mut last, mut chunk) = (after, Vec::new());
    let mut rows = sqlx::query_as::<_, (i64, Uuid, i64)>(NEWS).bind(after).fetch(connection);
    while let Some((number, session, recorded_at)) = rows.try_next().await? {
        last = number;
        chunk.push(RevokedRow { number: number.cast_unsigned(), session, recorded_at });
        if chunk.len() == CHUNK_SIZE {
            revoked.insert_rows(chunk.drain(..));
        }
    }
    revoked.insert_rows(chunk);
    revoked.saw(last);
    revoked.finish_read(Snapshot::up_to(last), asked);
    Ok(())
}
