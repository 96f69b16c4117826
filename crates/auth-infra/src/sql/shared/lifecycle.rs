//! Checking and closing a store. Opening differs between the engines.

use std::fmt;
use std::pin::pin;

use auth_domain::ports::PortError;
use tokio::time::timeout;

use super::prelude::Store;
use crate::sql::{ACQUIRE_TIMEOUT, CLOSE_TIMEOUT, within};

impl Store {
    /// Checks within two seconds that the schema exists, that a connection is available, and that the store accepts writes.
    ///
    /// # Errors
    /// Fails if the store cannot serve.
    pub async fn check(&self) -> Result<(), PortError> {
        within(ACQUIRE_TIMEOUT, pin!(self.check_access())).await
    }

    /// Waits for the active calls and closes the connections. Later calls fail with [`PortError::Unavailable`].
    pub async fn close(&self) {
        let closed = async {
            self.db.readers.close().await;
            // The last connection that closes checkpoints SQLite's write-ahead log into the file. A reader could not.
            self.db.writers.close().await;
        };
        let _ = timeout(CLOSE_TIMEOUT, closed).await;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
