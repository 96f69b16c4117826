//! What an error of PostgreSQL means.

use auth_domain::ports::PortError;
use sqlx::error::DatabaseError;

use crate::store::{CorruptValue, ErrorMessage};

/// Why an attempt at a call failed.
#[derive(Debug)]
pub(super) enum DbError {
    /// The connection is of no more use. What was not committed on it is undone.
    Broken(ErrorMessage),
    /// The connection is of no more use, and the work may have happened.
    Lost(ErrorMessage),
    /// The server undid the transaction for another's sake.
    Contended(ErrorMessage),
    /// The server is away or cannot serve.
    Unavailable(ErrorMessage),
    /// What was found makes no sense.
    Corrupt(ErrorMessage),
}

impl DbError {
    /// Whether the same work may be done again at once: none of it has happened, and the cause is gone.
    pub(super) fn is_retryable(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Contended(_))
    }

    /// Whether the connection can still be used.
    pub(super) fn connection_is_usable(&self) -> bool {
        !matches!(self, Self::Broken(_) | Self::Lost(_))
    }

    /// The error as one that is not to be answered with another attempt: because there was no connection in the first
    /// place, or because the work may have happened.
    pub(super) fn not_retryable(self) -> Self {
        match self {
            Self::Broken(detail) => Self::Lost(detail),
            other => other,
        }
    }
}

impl DbError {
    /// What an error means that answers a statement which commits by itself, or a commit.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        Self::from(error).not_retryable()
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let kind = match &error {
            E::Database(error) => return classify(&**error),
            E::Io(_) | E::Protocol(_) | E::WorkerCrashed | E::BeginFailed => Self::Broken,
            E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::Configuration(_) => Self::Unavailable,
            _ => Self::Corrupt,
        };
        kind(ErrorMessage::new(error.to_string()))
    }
}

/// SQLSTATE tells (PostgreSQL documentation, appendix A).
fn classify(error: &dyn DatabaseError) -> DbError {
    let code = error.code().unwrap_or_default();
    let detail = match (error.table(), error.constraint()) {
        (Some(table), Some(constraint)) => {
            format!("{code}: {} (table {table}, constraint {constraint})", error.message())
        }
        _ => format!("{code}: {}", error.message()),
    };
    let (class, _) = code.split_at_checked(2).unwrap_or_default();
    let kind = match (class, &*code) {
        ("40", _) => DbError::Contended,
        // The connection failed; the server shuts down, starts or has had enough of an idle connection; it was the
        // primary until now; a statement was prepared before the schema changed, or on another server behind the same
        // address. A new connection knows better.
        ("08", _)
        | (_, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" | "25006" | "0A000" | "26000") => {
            DbError::Broken
        }
        // Out of resources; canceled, which is the statement timeout; system errors; a password that is not accepted, a
        // database or a schema that is not there; a lock that was not to be had in time; tables, columns, functions or
        // rights that are not there, because the schema is not up to date.
        ("28" | "3D" | "3F" | "53" | "57" | "58", _)
        | (_, "55P03" | "42P01" | "42703" | "42883" | "42501") => DbError::Unavailable,
        _ => DbError::Corrupt,
    };
    kind(ErrorMessage::new(detail))
}

impl From<CorruptValue> for DbError {
    fn from(unreadable: CorruptValue) -> Self {
        Self::Corrupt(ErrorMessage::new(unreadable.to_string()))
    }
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Broken(detail)
            | DbError::Lost(detail)
            | DbError::Contended(detail)
            | DbError::Unavailable(detail) => Self::Unavailable(Box::new(detail)),
            DbError::Corrupt(detail) => Self::Corrupt(Box::new(detail)),
        }
    }
}
