//! What may go wrong with a store besides a port's own work, and what may be told of it.

use std::borrow::Cow;

use auth_domain::ports::PortError;
use thiserror::Error;

/// A store could not be opened or its schema not be brought up to date.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The settings make no sense.
    #[error("{0}")]
    Settings(String),
    /// The schema was made by a newer program than this one.
    #[error("the schema is at version {found}, but this program knows none after {known}: run a newer one")]
    Newer {
        /// The schema's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration that was run is not the one of this number that this program has.
    #[error(
        "migration {0} was run in another form than this program has: the schema is not of this program's making"
    )]
    Foreign(i64),
    /// The store itself failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What a log may know of a error. It never holds a stored value: drivers keep those in members that are not copied
/// here, such as PostgreSQL's detail of a violated constraint.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub(crate) struct ErrorMessage(Cow<'static, str>);

impl ErrorMessage {
    pub(crate) fn new(detail: impl Into<Cow<'static, str>>) -> Self {
        Self(detail.into())
    }
}

/// Something stored is not what the domain would have stored. Names it, without the value.
#[derive(Debug, Error)]
#[error("the stored {0} cannot be read")]
pub(crate) struct CorruptValue(pub(crate) &'static str);

impl From<CorruptValue> for PortError {
    fn from(unreadable: CorruptValue) -> Self {
        Self::Corrupt(Box::new(unreadable))
    }
}
