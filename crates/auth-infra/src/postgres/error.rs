//! The meaning of an error of PostgreSQL.

use auth_domain::ports::PortError;
use sqlx::error::DatabaseError;

use crate::sql::ErrorMessage;

/// Why an attempt of a call failed.
#[derive(Debug)]
pub(super) enum DbError {
    /// The connection is unusable. Uncommitted work is undone.
    Broken(ErrorMessage),
    /// The connection is unusable, and the work may have happened.
    Lost(ErrorMessage),
    /// The server undid the transaction in favour of another one.
    Contended(ErrorMessage),
    /// The server is unreachable or cannot serve.
    Unavailable(ErrorMessage),
    /// The data or the statement is invalid.
    Corrupt(ErrorMessage),
}

impl DbError {
    /// Returns whether the work may be repeated at once: none of it has happened, and the cause is gone.
    pub(super) fn is_retryable(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Contended(_))
    }

    pub(super) fn connection_is_usable(&self) -> bool {
        !matches!(self, Self::Broken(_) | Self::Lost(_))
    }

    /// Forbids a retry of a broken connection: none could be made in the first place, or the work may have happened.
    pub(super) fn not_retryable(self) -> Self {
        match self {
            Self::Broken(message) => Self::Lost(message),
            other => other,
        }
    }

    /// The error of a commit, or of a statement that commits by itself.
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

/// Classifies by SQLSTATE (PostgreSQL documentation, appendix A). The message names table and constraint, but no value.
fn classify(error: &dyn DatabaseError) -> DbError {
    let code = error.code().unwrap_or_default();
    let message = match (error.table(), error.constraint()) {
        (Some(table), Some(constraint)) => {
            format!("{code}: {} (table {table}, constraint {constraint})", error.message())
        }
        _ => format!("{code}: {}", error.message()),
    };
    let (class, _) = code.split_at_checked(2).unwrap_or_default();
    let kind = match (class, &*code) {
        ("40", _) => DbError::Contended,
        // The connection failed. The server shuts down, starts, ended an idle connection, or is no longer the primary.
        // A statement was prepared before a schema change, or on another server behind the same address. A new
        // connection solves each of these.
        ("08", _)
        | (_, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" | "25006" | "0A000" | "26000") => {
            DbError::Broken
        }
        // The server is out of resources, has a system error, or cancelled a statement after a timeout. It rejected the
        // password, or the database or schema is missing. A lock timed out. A table, column, function or privilege is
        // missing, because the schema is not up to date.
        ("28" | "3D" | "3F" | "53" | "57" | "58", _)
        | (_, "55P03" | "42P01" | "42703" | "42883" | "42501") => DbError::Unavailable,
        _ => DbError::Corrupt,
    };
    kind(ErrorMessage::new(message))
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Broken(message)
            | DbError::Lost(message)
            | DbError::Contended(message)
            | DbError::Unavailable(message) => Self::Unavailable(Box::new(message)),
            DbError::Corrupt(message) => Self::Corrupt(Box::new(message)),
        }
    }
}
