//! Why a service does not start.

use thiserror::Error;

use crate::password::StartHashingError;
use crate::store::StoreError;
use crate::token::KeyFileError;

/// A service cannot be opened or started. The message is one line and contains no secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// [`issuer`](super::ServiceBuilder::issuer) was not called.
    #[error("the service has no issuer: pass its public URL to ServiceBuilder::issuer")]
    NoIssuer,
    /// Verifiers find the keys of an issuer under its URL (RFC 8414, section 2).
    #[error(
        "the issuer {0:?} is no URL: it must be https://HOST[:PORT][/PATH], or http:// for a trial, without query and fragment"
    )]
    InvalidIssuer(String),
    /// [`client`](super::ServiceBuilder::client) was not called.
    #[error("the service has no client that tokens could be issued to: pass one to ServiceBuilder::client")]
    NoClient,
    /// A service on PostgreSQL has no directory by default.
    #[error(
        "the service has no directory for its signing keys: pass one to ServiceBuilder::keys_dir; the nodes of one \
         database share its content"
    )]
    NoKeysDir,
    /// The background tasks need a runtime.
    #[error("the service needs a tokio runtime: call start or open inside one")]
    NoRuntime,
    /// The data directory or the signing keys cannot be used.
    #[error(transparent)]
    Files(#[from] KeyFileError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings of hashing are invalid, or its threads cannot be started.
    #[error(transparent)]
    Hashing(#[from] StartHashingError),
    /// The store is available, but its schema cannot be brought up to date.
    #[error("cannot bring the store's schema up to date")]
    Schema(#[source] StoreError),
}
