//! Keeps trying to bring the schema up to date while the store is unavailable.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_domain::ports::PortError;
use parking_lot::Mutex;

use super::tasks::Stop;
use crate::store::{Store, StoreError};

/// Interval between two attempts to reach a store that was unavailable at the start.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the schema of a store is the one that this program needs.
pub(super) struct Schema {
    store: Store,
    is_current: AtomicBool,
    /// The error of the last attempt to migrate, so that each is logged once.
    last_error: Mutex<String>,
}

impl Schema {
    /// The schema of a store that is not migrated yet.
    pub(super) fn new(store: Store) -> Self {
        Self { store, is_current: AtomicBool::new(false), last_error: Mutex::default() }
    }

    pub(super) fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Acquire)
    }

    /// Brings the schema up to date if the store is available, and returns whether it is. An unavailable store is not an
    /// error: then [`migrate_when_back`](Self::migrate_when_back) tries again.
    pub(super) async fn migrate(&self) -> Result<bool, StoreError> {
        match self.store.migrate().await {
            Ok(()) => {
                self.is_current.store(true, Ordering::Release);
                Ok(true)
            }
            Err(StoreError::Port(PortError::Unavailable(cause))) => {
                if self.is_new(&cause.to_string()) {
                    tracing::warn!(%cause, "the store is unavailable: the schema is brought up to date when it is back");
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Tries [`migrate`](Self::migrate) every second until it succeeds.
    pub(super) async fn migrate_when_back(&self, stop: &Stop) {
        while !self.is_current() && stop.pause(RETRY_INTERVAL).await {
            match self.migrate().await {
                Ok(true) => tracing::info!("the store is available"),
                Ok(false) => {}
                Err(error) => {
                    if self.is_new(&error.to_string()) {
                        tracing::error!(%error, "the schema cannot be brought up to date");
                    }
                }
            }
        }
    }

    /// Whether the error differs from the one before.
    fn is_new(&self, error: &str) -> bool {
        let mut last = self.last_error.lock();
        let is_new = *last != error;
        error.clone_into(&mut last);
        is_new
    }
}
