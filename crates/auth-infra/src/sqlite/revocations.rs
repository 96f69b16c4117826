//! The feed of revoked sessions on SQLite (ADR 0009).
//!
//! Another process, such as a command from a shell, may end sessions. So new rows are read five times a second. Without news the
//! statement takes a few microseconds.

use std::time::{Duration, Instant};

use auth_domain::model::SessionId;
use auth_domain::ports::{RevocationFeed, SessionState};
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Uuid;
use tokio::time::{sleep, timeout};

use super::SqliteStore;
use super::error::DbError;
use crate::sql::{ErrorMessage, Lease, RevokedSessions};

/// The pause between two reads.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The interval of full reads, which forget deleted rows.
const FULL_READ_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// The longest duration of a full read.
const FULL_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of sessions that are inserted under one lock.
const CHUNK_SIZE: usize = 1_000;

/// The rows after a number. Numbers ascend in the order of commits.
const NEWS: &str = "SELECT number, session_id FROM revoked_sessions WHERE number > $1 ORDER BY number";

impl RevocationFeed for SqliteStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.writer.revoked().session_state(session)
    }
}

impl SqliteStore {
    /// Follows the revoked sessions until the store is closed. Tries again whenever the file is unavailable.
    pub async fn sync_revocations(&self) {
        self.writer.until_closed(Box::pin(self.follow_always())).await;
    }

    async fn follow_always(&self) {
        let revoked = self.writer.revoked();
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
            match &news {
                Ok(()) if is_away => tracing::info!("the revocation feed is restored"),
                Err(error) if !is_away => {
                    tracing::warn!(
                        ?error,
                        "the revocation feed is interrupted: each request queries the store"
                    );
                }
                _ => {}
            }
            is_away = news.is_err();
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn read_news(&self, after: i64) -> Result<(), DbError> {
        let mut lease = self.readers.lease().await?;
        timeout(FULL_READ_TIMEOUT, read(&mut lease, self.writer.revoked(), after)).await.map_err(
            |_| DbError::Unavailable(ErrorMessage::new("reading the revoked sessions took too long")),
        )??;
        lease.give_back();
        Ok(())
    }
}

/// Reads what this connection has just committed, if the feed is followed, so that the caller is answered after the publication.
/// If this fails, the feed is stale until the next read.
pub(super) async fn catch_up(lease: &mut Lease<SqliteConnection>) {
    let revoked = lease.revoked();
    if revoked.is_followed() && read(lease, &revoked, revoked.seen()).await.is_err() {
        revoked.mark_stale();
    }
}

/// Reads the rows after a number.
async fn read(
    connection: &mut SqliteConnection,
    revoked: &RevokedSessions,
    after: i64,
) -> Result<(), sqlx::Error> {
    let asked = Instant::now();
    let (mut last, mut chunk) = (after, Vec::new());
    let mut rows = sqlx::query_as::<_, (i64, Uuid)>(NEWS).bind(after).fetch(connection);
    while let Some((number, session)) = rows.try_next().await? {
        last = number;
        chunk.push(session);
        if chunk.len() == CHUNK_SIZE {
            revoked.insert(chunk.drain(..));
        }
    }
    revoked.insert(chunk);
    revoked.saw(last);
    revoked.mark_synced(asked);
    Ok(())
}
