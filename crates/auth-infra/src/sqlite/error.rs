//! The meaning of an error of SQLite.

use auth_domain::ports::PortError;
use sqlx::error::DatabaseError;

use crate::sql::ErrorMessage;

/// Why a call failed.
#[derive(Clone, Debug)]
pub(super) enum DbError {
    /// The file is missing, locked by another process for too long, or not writable.
    Unavailable(ErrorMessage),
    /// The data or the statement is invalid.
    Corrupt(ErrorMessage),
}

impl DbError {
    /// No error is worth a retry: SQLite itself waits for locks (busy timeout).
    pub(super) fn is_retryable(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Corrupt(_))
    }

    /// A reader is closed after any error, as a precaution.
    pub(super) fn connection_is_usable(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Corrupt(_))
    }

    /// The error of a shared transaction. It is never `Corrupt`: one call may have spoilt the transaction for all others.
    pub(super) fn of_group(error: sqlx::Error) -> Self {
        let (Self::Unavailable(message) | Self::Corrupt(message)) = Self::from(error);
        Self::Unavailable(message)
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

/// Classifies by the primary result code (SQLite documentation, "Result and Error Codes").
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
    let kind = match extended & 0xff {
        BUSY | LOCKED | OUT_OF_MEMORY | READ_ONLY | INTERRUPT | IO_ERROR | FULL | CANNOT_OPEN | PROTOCOL
        | SCHEMA => DbError::Unavailable,
        ERROR if schema_is_missing(error.message()) => DbError::Unavailable,
        _ => DbError::Corrupt,
    };
    kind(ErrorMessage::new(format!("{extended}: {}", error.message())))
}

fn schema_is_missing(message: &str) -> bool {
    ["no such table", "no such column"].iter().any(|text| message.starts_with(text))
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(message) => Self::Unavailable(Box::new(message)),
            DbError::Corrupt(message) => Self::Corrupt(Box::new(message)),
        }
    }
}
