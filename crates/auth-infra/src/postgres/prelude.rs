//! PostgreSQL as the files in `sql/shared/` see it.

pub(super) use sqlx::postgres::{PgConnection as Connection, PgRow as Row};

pub(super) use super::PostgresStore as Store;
pub(super) use super::refresh::{judge_locked, write_verdict};
pub(super) use super::shared::error::DbError;
pub(super) use super::sqlstate::classify;
pub(super) use super::transaction::commit_revoking;
pub(super) use super::values::{DbTime, from_time, to_time};

pub(super) type StoreThread = std::sync::Arc<super::executor::Executor>;

pub(super) const BEGIN: &str = "BEGIN";

pub(super) const MIGRATIONS_EXIST: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// Locks the selected rows against other writers.
macro_rules! row_lock {
    () => {
        " FOR NO KEY UPDATE"
    };
}

/// A file of `statements/`, included in `sql/shared/`.
macro_rules! statement {
    ($name:literal) => {
        include_str!(concat!("../../postgres/statements/", $name, ".sql"))
    };
}

pub(super) use {row_lock, statement};

/// Lets one transaction at a time import external ids. Rows are inserted in the order of the batch, so two transactions with
/// the same external ids in different orders would wait for each other. The number only has to differ from other locks.
pub(super) async fn lock_external_ids(connection: &mut Connection) -> Result<(), DbError> {
    sqlx::query("SELECT pg_advisory_xact_lock(7241150338)").execute(connection).await?;
    Ok(())
}
