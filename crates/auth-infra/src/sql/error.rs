//! Errors of a store apart from those of its ports.

use std::borrow::Cow;

use auth_domain::ports::PortError;
use thiserror::Error;

/// The store cannot be opened, or its schema cannot be brought up to date.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{0}")]
    Settings(String),
    #[error("the schema is at version {found}, but this program knows none after {known}: run a newer one")]
    Newer { found: i64, known: i64 },
    /// A migration that was run differs from this program's migration of the same number.
    #[error(
        "migration {0} was run in another form than this program has: the schema is not of this program's making"
    )]
    Foreign(i64),
    #[error(transparent)]
    Port(#[from] PortError),
}

impl StoreError {
    pub(crate) fn thread(store: &str, error: &std::io::Error) -> Self {
        Self::Port(PortError::Unavailable(format!("cannot start the {store} thread: {error}").into()))
    }
}

/// The text of an error that may be logged. It never contains a stored value. Drivers keep stored values in separate members,
/// such as PostgreSQL's detail of a violated constraint, and those are not copied.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub(crate) struct ErrorMessage(Cow<'static, str>);

impl ErrorMessage {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

/// A stored value that the domain would not have stored. The error names its kind and does not contain it.
#[derive(Debug, Error)]
#[error("the stored {0} cannot be read")]
pub(crate) struct CorruptValue(pub(crate) &'static str);
