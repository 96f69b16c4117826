//! The meaning of an error of SQLite.

use sqlx::error::DatabaseError;

use super::error::DbError;
use crate::sql::ErrorMessage;

impl DbError {
    /// A connection is closed after any error, as a precaution. Some errors undo the transaction by themselves.
    #[expect(clippy::unused_self, reason = "the answer depends on the error on the other engine")]
    pub(super) fn connection_is_usable(&self) -> bool {
        false
    }

    /// The error of a shared transaction. It is never `Corrupt`: one call may have spoilt the transaction for all others.
    pub(super) fn of_group(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Corrupt(message) => Self::Unavailable(message),
            other => other,
        }
    }
}

/// Classifies by the primary result code (SQLite documentation, "Result and Error Codes").
pub(super) fn classify(error: &dyn DatabaseError) -> DbError {
    const ERROR: u32 = 1;
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const OUT_OF_MEMORY: u32 = 7;
    const READ_ONLY: u32 = 8;
    const INTERRUPT: u32 = 9;
    const IO_ERROR: u32 = 10;
    const FULL: u32 = 13;
    const CANNOT_OPEN: u32 = 14;
    const PROTOCOL: u32 = 15;
    const SCHEMA: u32 = 17;

    let extended: u32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    let kind = match extended & 0xff {
        BUSY | LOCKED => DbError::Contended,
        OUT_OF_MEMORY | READ_ONLY | INTERRUPT | IO_ERROR | FULL | CANNOT_OPEN | PROTOCOL | SCHEMA => {
            DbError::Unavailable
        }
        ERROR if schema_is_missing(error.message()) => DbError::Unavailable,
        _ => DbError::Corrupt,
    };
    kind(ErrorMessage::new(format!("{extended}: {}", error.message())))
}

fn schema_is_missing(message: &str) -> bool {
    ["no such table", "no such column"].iter().any(|text| message.starts_with(text))
}
