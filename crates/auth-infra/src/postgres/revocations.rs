//! Knowing of ended sessions and of changed users on PostgreSQL.
//!
//! A connection of its own listens for the bell that rings when a session has ended, and reads what is new: when it rings,
//! and twice a second in any case, so that a bell that is not heard costs half a second. All of it goes over this one
//! connection: when it falls silent, reading fails, and what a newer connection reads is everything. Of users who have
//! changed it hears by name, and they are forgotten.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::model::{SessionId, UserId};
use auth_domain::ports::{RevocationFeed, SessionState};
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgListener, PgNotification, PgPoolOptions};
use sqlx::types::Uuid;
use tokio::time::{sleep, timeout};

use super::PostgresStore;
use super::error::DbError;
use super::user_cache::UserCache;
use crate::store::{ACQUIRE_TIMEOUT, ErrorMessage, RevokedSessions};

/// The channel of the bell.
const CHANNEL: &str = "revoked_sessions";
/// The channel on which users are named who are not as they were.
const USERS_CHANNEL: &str = "changed_users";
/// How long to listen before the table is read without a ring.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long to wait before the server is looked for again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How long reading everything may take.
const FULL_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// When everything is read again, on a new connection: to forget what is not stored any more, and to follow the server's
/// name to where it points by then.
const FULL_READ_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// How many sessions are added at a time.
const CHUNK_SIZE: usize = 1_000;

/// Its statements are bounded by this program; one that reads everything may take longer than others.
const SESSION_SETTINGS: [(&str, &str); 1] = [("statement_timeout", "30000")];

/// What was recorded by transactions that may not have been seen before: those from a number on, which is the lowest
/// that was in progress then. The number for the next time comes with every row, and in one even if there is none.
const NEWS: &str = "
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS next, session_id
    FROM (VALUES (1)) AS once LEFT JOIN revoked_sessions ON recorded_by >= $1::text::xid8";

const REVOKED_HERE: &str = "SELECT session_id FROM revoked_sessions WHERE recorded_by = pg_current_xact_id()";

/// The sessions that have ended by the transaction at work.
pub(super) async fn revoked_here(connection: &mut PgConnection) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(REVOKED_HERE).fetch_all(connection).await?)
}

impl RevocationFeed for PostgresStore {
    fn session_state(&self, session: SessionId) -> SessionState {
        self.pool.revoked().session_state(session)
    }
}

impl PostgresStore {
    /// Keeps what is known of ended sessions up to date, on one connection more than the store's own, until the store is
    /// closed. A server that is away is looked for again and again.
    pub async fn sync_revocations(&self) {
        self.pool.until_closed(Box::pin(self.follow_always())).await;
    }

    async fn follow_always(&self) {
        let mut is_away = false;
        loop {
            let Err(error) = self.follow(&mut is_away).await else { continue };
            if !is_away {
                tracing::warn!(?error, "ended sessions cannot be followed: the store is asked instead");
                is_away = true;
            }
            sleep(RECONNECT_PAUSE).await;
        }
    }

    /// Follows the news until the connection is to be renewed.
    async fn follow(&self, is_away: &mut bool) -> Result<(), DbError> {
        let began = Instant::now();
        let mut news = News::listen(self).await?;
        within(FULL_READ_TIMEOUT, news.read(self.pool.revoked())).await?;
        self.pool.revoked().forget_before(began);
        // From here to the end of this connection no change goes unheard.
        let _enabled = self.user_cache.enable();
        if std::mem::take(is_away) {
            tracing::info!("ended sessions are followed again");
        }
        while began.elapsed() < FULL_READ_INTERVAL {
            if let Ok(rung) = timeout(POLL_INTERVAL, news.ring()).await {
                rung?;
            }
            within(ACQUIRE_TIMEOUT, news.read(self.pool.revoked())).await?;
        }
        Ok(())
    }
}

/// A connection that follows what ends.
struct News {
    listener: PgListener,
    /// All transactions below this number have been seen.
    seen: String,
    user_cache: Arc<UserCache>,
}

impl News {
    /// Listens first: of what happens after everything was read, it hears.
    async fn listen(store: &PostgresStore) -> Result<Self, DbError> {
        let options = store.pool.options().clone().options(SESSION_SETTINGS);
        let one = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false);
        let one = one.connect_lazy_with(options);
        let listening = async {
            let mut listener = PgListener::connect_with(&one).await?;
            listener.eager_reconnect(false);
            listener.ignore_pool_close_event(true);
            listener.listen_all([CHANNEL, USERS_CHANNEL]).await?;
            Ok(listener)
        };
        let listener = within(ACQUIRE_TIMEOUT, listening).await?;
        Ok(Self { listener, seen: "0".to_owned(), user_cache: Arc::clone(&store.user_cache) })
    }

    /// Waits until the bell rings. It may be given up at any time.
    async fn ring(&mut self) -> Result<(), DbError> {
        while let Some(heard) = self.listener.try_recv().await? {
            if self.is_bell(&heard) {
                return Ok(());
            }
        }
        Err(DbError::Unavailable(ErrorMessage::new("the connection was lost")))
    }

    /// Whether it is the bell that was heard. A user who is named instead is forgotten.
    fn is_bell(&self, heard: &PgNotification) -> bool {
        if heard.channel() != USERS_CHANNEL {
            return true;
        }
        match heard.payload().parse() {
            Ok(user) => self.user_cache.invalidate(UserId(user)),
            Err(_) => self.user_cache.clear(),
        }
        false
    }

    /// Reads what is new; the first time, everything.
    async fn read(&mut self, revoked: &RevokedSessions) -> Result<(), DbError> {
        while let Some(heard) = self.listener.next_buffered() {
            self.is_bell(&heard);
        }
        let asked = Instant::now();
        let mut next = None;
        let mut chunk = Vec::new();
        let mut rows = sqlx::query(NEWS).bind(&self.seen).fetch(&mut self.listener);
        while let Some(row) = rows.try_next().await? {
            if let Some(session) = row.try_get("session_id")? {
                chunk.push(session);
            }
            if chunk.len() == CHUNK_SIZE {
                revoked.insert(chunk.drain(..));
            }
            if next.is_none() {
                next = Some(row.try_get("next")?);
            }
        }
        drop(rows);
        revoked.insert(chunk);
        revoked.mark_synced(asked);
        self.seen = next.unwrap_or_else(|| std::mem::take(&mut self.seen));
        Ok(())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    let late = || DbError::Unavailable(ErrorMessage::new(format!("no answer within {} s", limit.as_secs())));
    timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}
