//! PostgreSQL as the files in `sql/shared/` see it.

use auth_domain::model::Timestamp;
use sqlx::types::time::OffsetDateTime;

pub(super) use super::PostgresStore as Store;
pub(super) use super::error::DbError;
pub(super) use sqlx::postgres::{PgConnection as Connection, PgRow as Row};

pub(super) const INSERT_SESSION: &str = include_str!("statements/insert_session.sql");

/// Locks the selected rows against other writers.
macro_rules! row_lock {
    () => {
        " FOR NO KEY UPDATE"
    };
}

pub(super) use row_lock;

/// A time as PostgreSQL stores it.
pub(super) type DbTime = OffsetDateTime;

pub(super) fn from_time(time: Timestamp) -> DbTime {
    OffsetDateTime::from(time)
}

pub(super) fn to_time(stored: DbTime) -> Timestamp {
    Timestamp::from(stored)
}

/// Collects one value of each item, as an array parameter.
pub(super) fn array<'a, R, T>(items: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    items.iter().map(value).collect()
}
