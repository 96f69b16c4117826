//! The port of the revocation feed. How to follow the store differs between the engines.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::SessionId;
use auth_domain::ports::{Clock, RevocationFeed, SessionState};
use tokio::time::{sleep, timeout};

use super::error::DbError;
use super::prelude::Store;
use crate::sql::{EndedSessions, ErrorMessage};

/// The pause before the next attempt to follow an unavailable store.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

impl RevocationFeed for Store {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.db.revoked().session_state(session)
    }
}

impl Store {
    /// The feed of ended sessions for resource servers.
    pub fn ended_sessions(&self, clock: Arc<dyn Clock>) -> EndedSessions {
        EndedSessions::new(self.db.writers.shared_revoked(), clock)
    }

    /// Follows the revoked sessions until the store is closed. Tries again whenever the store is unavailable.
    pub async fn sync_revocations(&self) {
        self.db.writers.until_closed(Box::pin(self.follow_always())).await;
    }

    async fn follow_always(&self) {
        let mut is_away = false;
        loop {
            let Err(error) = self.follow(&mut is_away).await else { continue };
            log_feed(&mut is_away, Some(&error));
            sleep(RETRY_PAUSE).await;
        }
    }
}

/// Logs when the feed is interrupted and when it is restored, but not each failed attempt in between.
pub(crate) fn log_feed(is_away: &mut bool, error: Option<&DbError>) {
    match error {
        Some(error) if !*is_away => {
            tracing::warn!(?error, "the revocation feed is interrupted: each request queries the store");
        }
        None if *is_away => tracing::info!("the revocation feed is restored"),
        _ => {}
    }
    *is_away = error.is_some();
}

/// Gives up after `limit`.
pub(crate) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(DbError::Unavailable(ErrorMessage::new(format!("no answer within {} s", limit.as_secs()))))
    })
}
