//! What an error of SQLite means.

use auth_domain::ports::PortError;
use sqlx::error::DatabaseError;

use crate::store::{CorruptValue, ErrorMessage};

/// Why an attempt at a call failed.
#[derive(Clone, Debug)]
pub(super) enum DbError {
    /// The file is away, locked by another process for too long, or cannot be written to.
    Unavailable(ErrorMessage),
    /// What was found makes no sense.
    Corrupt(ErrorMessage),
}

impl DbError {
    /// What an error means to calls that share a transaction, which one of them may have spoilt for all.
    pub(super) fn of_group(error: sqlx::Error) -> Self {
        let (Self::Unavailable(detail) | Self::Corrupt(detail)) = Self::from(error);
        Self::Unavailable(detail)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let kind = match &error {
            E::Database(error) => return classify(&**error),
            E::Io(_) | E::WorkerCrashed | E::BeginFailed | E::PoolTimedOut | E::PoolClosed => {
                Self::Unavailable
            }
            _ => Self::Corrupt,
        };
        kind(ErrorMessage::new(error.to_string()))
    }
}

/// The primary result code tells (SQLite documentation, "Result and Error Codes").
fn classify(error: &dyn DatabaseError) -> DbError {
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
    let schema_is_not_there =
        || ["no such table", "no such column"].iter().any(|text| error.message().starts_with(text));
    let kind = match extended & 0xff {
        BUSY | LOCKED | OUT_OF_MEMORY | READ_ONLY | INTERRUPT | IO_ERROR | FULL | CANNOT_OPEN | PROTOCOL
        | SCHEMA => DbError::Unavailable,
        ERROR if schema_is_not_there() => DbError::Unavailable,
        _ => DbError::Corrupt,
    };
    kind(ErrorMessage::new(format!("{extended}: {}", error.message())))
}

impl From<CorruptValue> for DbError {
    fn from(unreadable: CorruptValue) -> Self {
        Self::Corrupt(ErrorMessage::new(unreadable.to_string()))
    }
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(detail) => Self::Unavailable(Box::new(detail)),
            DbError::Corrupt(detail) => Self::Corrupt(Box::new(detail)),
        }
    }
}
