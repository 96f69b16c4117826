//! The feed of revoked sessions and of changed users on PostgreSQL (ADR 0009 and 0015).
//!
//! A connection of its own listens for notifications that a session has ended, and then reads the new rows. It also reads twice
//! a second without a notification, so a lost notification costs at most half a second. Everything uses this one connection:
//! when it stalls, reading fails, and the next connection reads everything. Notifications about changed users contain the
//! user's id, and the user is removed from the cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::model::UserId;
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::timeout;

use super::PostgresStore;
use super::error::DbError;
use super::shared::{in_time, log_feed};
use super::user_cache::UserCache;
use crate::sql::{
    ACQUIRE_TIMEOUT, CHUNK_SIZE, ErrorMessage, FULL_READ_INTERVAL, FULL_READ_TIMEOUT, RevokedSessions,
};

const CHANNEL: &str = "revoked_sessions";
const USERS_CHANNEL: &str = "changed_users";
/// The longest time without a read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// This program bounds the statements itself, because a full read may take longer than other statements.
const SESSION_SETTINGS: [(&str, &str); 1] = [("statement_timeout", "30000")];

/// Rows of transactions that the last read may not have seen: those from the lowest number on that was in progress then. Each
/// row contains that number for the next read; the outer join gives one row even if there is no news.
const NEWS: &str = "
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS next, session_id
    FROM (VALUES (1)) AS once LEFT JOIN revoked_sessions ON recorded_by >= $1::text::xid8";

impl PostgresStore {
    /// Follows on one connection, in addition to the pool, until it is to be renewed: the next one also resolves the server's name
    /// anew.
    pub(super) async fn follow(&self, is_away: &mut bool) -> Result<(), DbError> {
        let began = Instant::now();
        let mut feed = Feed::listen(self).await?;
        in_time(FULL_READ_TIMEOUT, feed.read(self.db.revoked())).await?;
        self.db.revoked().forget_before(began);
        // The connection listens already, so from here to its end it receives every change of a user.
        let _enabled = self.user_cache.enable();
        log_feed(is_away, None);
        while began.elapsed() < FULL_READ_INTERVAL {
            if let Ok(notified) = timeout(POLL_INTERVAL, feed.notified()).await {
                notified?;
            }
            in_time(ACQUIRE_TIMEOUT, feed.read(self.db.revoked())).await?;
        }
        Ok(())
    }
}

/// A connection that follows revoked sessions and changed users.
struct Feed {
    listener: PgListener,
    /// All transactions below this number have been seen.
    seen: String,
    user_cache: Arc<UserCache>,
}

impl Feed {
    /// Connects and listens. This comes before the full read, so that no change in between is missed.
    async fn listen(store: &PostgresStore) -> Result<Self, DbError> {
        let options = store.db.writers.options().clone().options(SESSION_SETTINGS);
        let one = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false);
        let one = one.connect_lazy_with(options);
        let listening = async {
            let mut listener = PgListener::connect_with(&one).await?;
            // A connection that sqlx replaces silently would have missed notifications.
            listener.eager_reconnect(false);
            listener.ignore_pool_close_event(true);
            listener.listen_all([CHANNEL, USERS_CHANNEL]).await?;
            Ok(listener)
        };
        let listener = in_time(ACQUIRE_TIMEOUT, listening).await?;
        Ok(Self { listener, seen: "0".to_owned(), user_cache: Arc::clone(&store.user_cache) })
    }

    /// Waits for a notification of an ended session. The future may be dropped at any time.
    async fn notified(&mut self) -> Result<(), DbError> {
        while let Some(notification) = self.listener.try_recv().await? {
            if !self.handle_changed_user(&notification) {
                return Ok(());
            }
        }
        Err(DbError::Unavailable(ErrorMessage::new("the connection was lost")))
    }

    /// Invalidates the user of a notification. Returns `false` for a notification of another kind.
    fn handle_changed_user(&self, notification: &PgNotification) -> bool {
        if notification.channel() != USERS_CHANNEL {
            return false;
        }
        match notification.payload().parse() {
            Ok(user) => self.user_cache.invalidate(UserId(user)),
            // The payload of another program: it may mean any user.
            Err(_) => self.user_cache.clear(),
        }
        true
    }

    /// Reads what is new: the first time, everything.
    async fn read(&mut self, revoked: &RevokedSessions) -> Result<(), DbError> {
        while let Some(notification) = self.listener.next_buffered() {
            self.handle_changed_user(&notification);
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
