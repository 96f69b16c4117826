//! Values as parameters of PostgreSQL.

use auth_domain::model::Timestamp;
use sqlx::types::time::OffsetDateTime;

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
