//! Why an attempt of a call failed.

use auth_domain::ports::PortError;

use super::prelude::classify;
use crate::sql::{ErrorMessage, StoreError};

#[derive(Clone, Debug)]
pub(crate) enum DbError {
    /// The connection is unusable. Uncommitted work is undone.
    Broken(ErrorMessage),
    /// The connection is unusable, and the work may have happened.
    Lost(ErrorMessage),
    /// The work is undone, because another transaction was in the way.
    Contended(ErrorMessage),
    /// The database is unreachable or cannot serve.
    Unavailable(ErrorMessage),
    /// The data or the statement is invalid.
    Corrupt(ErrorMessage),
}

impl DbError {
    /// Returns whether the work may be repeated at once: none of it has happened, and the cause is gone.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Contended(_))
    }

    /// Forbids a retry of a broken connection: none could be made in the first place, or the work may have happened.
    pub(crate) fn not_retryable(self) -> Self {
        match self {
            Self::Broken(message) => Self::Lost(message),
            other => other,
        }
    }

    /// The error of a commit, or of a statement that commits by itself.
    pub(crate) fn of_commit(error: sqlx::Error) -> Self {
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

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        Self::Port(error.into())
    }
}
