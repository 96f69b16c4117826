//! The meaning of an error of PostgreSQL.

use sqlx::error::DatabaseError;

use super::error::DbError;
use crate::sql::ErrorMessage;

impl DbError {
    pub(super) fn connection_is_usable(&self) -> bool {
        !matches!(self, Self::Broken(_) | Self::Lost(_))
    }
}

/// Classifies by SQLSTATE (PostgreSQL documentation, appendix A). The message names table and constraint, but no value.
pub(super) fn classify(error: &dyn DatabaseError) -> DbError {
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
