//! The migrations that were run.

use super::prelude::{Connection, DbError, MIGRATIONS_EXIST};

/// Returns number and checksum of the migrations that were run, in order.
pub(crate) async fn applied_migrations(connection: &mut Connection) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    if sqlx::query_scalar(MIGRATIONS_EXIST).fetch_one(&mut *connection).await? {
        Ok(sqlx::query_as(APPLIED).fetch_all(connection).await?)
    } else {
        Ok(Vec::new())
    }
}
