//! Knowing of ended sessions on SQLite.
//!
//! Another process, such as a command from a shell, may end sessions: five times a second what is new is read, by a
//! statement that finds nothing in some microseconds.

use std::time::{Duration, Instant};

use auth_domain::model::SessionId;
use auth_domain::ports::{RevocationFeed, SessionState};
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::types::Uuid;
use tokio::time::{sleep, timeout};

use super::SqliteStore;
use super::error::DbError;
use crate::store::{ErrorMessage, Lease, RevokedSessions};

/// How long to wait between two readings.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// When everything is read again, to forget what is not stored any more.
const FULL_READ_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// How long reading everything may take.
const FULL_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How many sessions are added at a time.
const CHUNK_SIZE: usize = 1_000;

/// What was recorded after a number. Numbers are in the order of commits.
const NEWS: &str = "SELECT number, session_id FROM revoked_sessions WHERE number > ?1 ORDER BY number";

impl RevocationFeed for SqliteStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.writer.revoked().session_state(session)
    }
}

impl SqliteStore {
    /// Keeps what is known of ended sessions up to date until the store is closed. A file that is away is looked for again
    /// and again.
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
                Ok(()) if is_away => tracing::info!("ended sessions are followed again"),
                Err(error) if !is_away => {
                    tracing::warn!(?error, "ended sessions cannot be followed: the store is asked instead");
                }
                _ => {}
            }
            is_away = news.is_err();
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn read_news(&self, after: i64) -> Result<(), DbError> {
        let mut lease = self.readers.lease().await?;
        let late = |_| DbError::Unavailable(ErrorMessage::new("reading what has ended took too long"));
        timeout(FULL_READ_TIMEOUT, read(&mut lease, self.writer.revoked(), after)).await.map_err(late)??;
        lease.give_back();
        Ok(())
    }
}

/// Reads what has just been committed on a connection, if anybody wants to know. When that fails, what is known has a
/// gap until the next reading.
pub(super) async fn catch_up(lease: &mut Lease<SqliteConnection>) {
    let revoked = lease.revoked();
    if revoked.is_followed() && read(lease, &revoked, revoked.seen()).await.is_err() {
        revoked.mark_stale();
    }
}

/// Reads what was recorded after a number.
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
