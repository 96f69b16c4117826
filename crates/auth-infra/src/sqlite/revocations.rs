//! The feed of revoked sessions on SQLite (ADR 0009).
//!
//! Another process, such as a command from a shell, may end sessions. So new rows are read five times a second. Without news the
//! statement takes a few microseconds.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::SqliteStore;
use super::error::DbError;
use super::revoked_rows::read;
use super::shared::{in_time, log_feed};
use crate::sql::{FULL_READ_INTERVAL, FULL_READ_TIMEOUT};

const POLL_INTERVAL: Duration = Duration::from_millis(200);

impl SqliteStore {
    /// Reads all rows, and then the new ones again and again until the next full read.
    pub(super) async fn follow(&self, is_away: &mut bool) -> Result<(), DbError> {
        let (revoked, began) = (self.db.revoked(), Instant::now());
        revoked.follow();
        self.read_news(0).await?;
        revoked.forget_before(began);
        log_feed(is_away, None);
        while began.elapsed() < FULL_READ_INTERVAL {
            sleep(POLL_INTERVAL).await;
            self.read_news(revoked.seen()).await?;
        }
        Ok(())
    }

    async fn read_news(&self, after: i64) -> Result<(), DbError> {
        let mut lease = self.db.readers.lease().await?;
        in_time(FULL_READ_TIMEOUT, read(&mut lease, self.db.revoked(), after)).await?;
        lease.give_back();
        Ok(())
    }
}
