//! Whether the service can do its work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_domain::ports::{BoxError, PortError};
use auth_infra::store::{Store, StoreError};
use tokio::time::sleep;

use crate::failure::Failure;

/// How long to wait before a store that was away is looked for again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the store is there, with the schema that this program needs.
pub struct Readiness {
    store: Store,
    is_migrated: AtomicBool,
}

impl Readiness {
    /// A store that has yet to be migrated.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, is_migrated: AtomicBool::new(false) }
    }

    /// Brings the schema up to date, if the store is there. If it is away, that is not an error: see
    /// [`migrate_when_back`](Self::migrate_when_back).
    ///
    /// # Errors
    /// When the store is there, but the schema cannot be brought up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self.store.migrate().await {
            Ok(()) => {
                self.is_migrated.store(true, Ordering::Release);
                Ok(())
            }
            Err(StoreError::Port(PortError::Unavailable(cause))) => {
                tracing::warn!(%cause, "the store is away");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the schema up to date as soon as a store that was away at the start is there.
    pub async fn migrate_when_back(&self) {
        while !self.is_migrated.load(Ordering::Acquire) {
            sleep(RETRY_INTERVAL).await;
            if let Err(error) = self.migrate().await {
                tracing::error!(%error, "the schema cannot be brought up to date");
            }
        }
    }

    /// Shows that the service can do its work.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] while it cannot.
    pub async fn check(&self) -> Result<(), Failure> {
        if !self.is_migrated.load(Ordering::Acquire) {
            return Err(Failure::Unavailable(BoxError::from("the schema is not up to date")));
        }
        Ok(self.store.check().await?)
    }
}
