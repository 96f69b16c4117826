//! Values as parameters of SQLite.

use auth_domain::model::Timestamp;

/// A time as SQLite stores it: microseconds since the Unix epoch.
pub(super) type DbTime = i64;

pub(super) fn from_time(time: Timestamp) -> DbTime {
    time.unix_micros()
}

pub(super) fn to_time(stored: DbTime) -> Timestamp {
    Timestamp::from_unix_micros(stored)
}
