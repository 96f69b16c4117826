//! The port of the revocation feed. Following the store differs between the engines.

use auth_domain::model::SessionId;
use auth_domain::ports::{RevocationFeed, SessionState};

use super::prelude::Store;

impl RevocationFeed for Store {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.db.revoked().session_state(session)
    }
}

impl Store {
    /// Follows the revoked sessions until the store is closed. Tries again whenever the store is unavailable.
    pub async fn sync_revocations(&self) {
        self.db.until_closed(Box::pin(self.follow_always())).await;
    }
}
