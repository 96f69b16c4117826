//! Whether the service can answer requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_domain::Auth;
use auth_domain::ports::{BoxError, PortError};
use auth_infra::store::{Store, StoreError};
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::failure::Failure;

/// Interval between two attempts to reach a store that was unavailable at the start.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the store is available, with the schema that this program needs, and the clock is right.
pub struct Readiness {
    store: Store,
    auth: Auth,
    is_migrated: AtomicBool,
    /// The error of the last attempt to migrate, so that each is logged once.
    last_error: Mutex<String>,
}

impl Readiness {
    /// A store that is not migrated yet.
    #[must_use]
    pub fn new(store: Store, auth: Auth) -> Self {
        Self { store, auth, is_migrated: AtomicBool::new(false), last_error: Mutex::default() }
    }

    /// Brings the schema up to date if the store is available, and returns whether it is. An unavailable store is not an
    /// error: then [`migrate_when_back`](Self::migrate_when_back) tries again.
    ///
    /// # Errors
    /// When the store is available, but its schema cannot be brought up to date.
    pub async fn migrate(&self) -> Result<bool, StoreError> {
        match self.store.migrate().await {
            Ok(()) => {
                self.is_migrated.store(true, Ordering::Release);
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
    pub async fn migrate_when_back(&self) {
        while !self.is_migrated.load(Ordering::Acquire) {
            sleep(RETRY_INTERVAL).await;
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

    /// Checks that the service can answer requests.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] while it cannot.
    pub async fn check(&self) -> Result<(), Failure> {
        if !self.is_migrated.load(Ordering::Acquire) {
            return Err(Failure::Unavailable(BoxError::from("the schema is not up to date")));
        }
        if let Some(lag) = self.auth.clock_lag() {
            let message = format!(
                "the clock is {} s behind a stored time: compare the clocks of all nodes",
                lag.as_secs()
            );
            return Err(Failure::Unavailable(BoxError::from(message)));
        }
        Ok(self.store.check().await?)
    }
}
