//! The feed of revoked sessions on SQLite (ADR 0009).
//!
//! Another process, such as a command from a shell, may end sessions. So new rows are read five times a second. Without news the
//! statement takes a few microseconds.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::SqliteStore;
use super::error::DbError;
use super::revoked_rows::read;
use crate::sql::{ErrorMessage, FULL_READ_INTERVAL, FULL_READ_TIMEOUT, log_feed};

/// The pause between two reads.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

impl SqliteStore {
    /// Reads new rows again and again. Tries again whenever the file is unavailable.
    pub(super) async fn follow_always(&self) {
        let revoked = self.db.revoked();
        revoked.follow();
        let (mut is_away, mut renewed) = (false, None::<Instant>);
        loop {
            let began = Instant::now();
            let is_whole = renewed.is_none_or(|renewed| began.duration_since(renewed) >= FULL_READ_INTERVAL);
            let news = self.read_news(if is_whole { 0 } else { revoked.seen() }).await;
            if let (Ok(()), true) = (&news, is_whole) {
                revoked.forget_before(began);
                renewed = Some(began);
            }
            log_feed(&mut is_away, news.as_ref().err());
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn read_news(&self, after: i64) -> Result<(), DbError> {
        let mut lease = self.db.lease_reader().await?;
        timeout(FULL_READ_TIMEOUT, read(&mut lease, self.db.revoked(), after)).await.map_err(|_| {
            DbError::Unavailable(ErrorMessage::new("reading the revoked sessions took too long"))
        })??;
        lease.give_back();
        Ok(())
    }
}
