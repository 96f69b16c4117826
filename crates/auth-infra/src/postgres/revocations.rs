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
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use sqlx::types::Uuid;
use tokio::time::timeout;

use super::PostgresStore;
use super::error::DbError;
use super::shared::{in_time, log_feed};
use super::user_cache::UserCache;
use crate::sql::{
    ACQUIRE_TIMEOUT, CHUNK_SIZE, ErrorMessage, FULL_READ_INTERVAL, FULL_READ_TIMEOUT, RevokedRow,
    RevokedSessions, Snapshot,
};

const CHANNEL: &str = "revoked_sessions";
const USERS_CHANNEL: &str = "changed_users";
/// The longest time without a read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// This program bounds the statements itself, because a full read may take longer than other statements.
const SESSION_SETTINGS: [(&str, &str); 1] = [("statement_timeout", "30000")];

/// The snapshot of this read, in one row. The other rows are of transactions that the last read may not have seen: those from
/// the lowest number on that was in progress then.
const NEWS: &str = "
    SELECT pg_current_snapshot()::text, NULL::uuid, NULL::bigint, NULL::bigint
    UNION ALL
    SELECT NULL, session_id, recorded_by::text::bigint, extract(epoch FROM recorded_at)::bigint
    FROM revoked_sessions WHERE recorded_by >= $1::text::xid8";

/// A name of a WAL file begins with the timeline, in eight hexadecimal digits.
const TIMELINE: &str = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)";
/// The first timeline of a server.
const FIRST_TIMELINE: u32 = 1;
/// The errors of a server that hides its timeline: insufficient privilege, undefined function, feature not supported.
const HIDDEN: [&str; 3] = ["42501", "42883", "0A000"];

type NewsRow = (Option<String>, Option<Uuid>, Option<i64>, Option<i64>);

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
    timeline: u32,
    /// All transactions below this number have been seen.
    seen: u64,
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
            let timeline = timeline(sqlx::query_scalar(TIMELINE).fetch_one(&mut listener).await)?;
            Ok((listener, timeline))
        };
        let (listener, timeline) = in_time(ACQUIRE_TIMEOUT, listening).await?;
        Ok(Self { listener, timeline, seen: 0, user_cache: Arc::clone(&store.user_cache) })
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
        let (mut snapshot, mut chunk) = (None, Vec::new());
        let mut rows =
            sqlx::query_as::<_, NewsRow>(NEWS).bind(self.seen.to_string()).fetch(&mut self.listener);
        while let Some((text, session, number, recorded_at)) = rows.try_next().await? {
            if let (Some(session), Some(number), Some(recorded_at)) = (session, number, recorded_at) {
                chunk.push(RevokedRow { number: number.cast_unsigned(), session, recorded_at });
            }
            if let Some(text) = text {
                snapshot = Snapshot::parse_postgres(self.timeline, &text);
            }
            if chunk.len() == CHUNK_SIZE {
                revoked.insert_rows(chunk.drain(..));
            }
        }
        drop(rows);
        revoked.insert_rows(chunk);
        let snapshot =
            snapshot.ok_or_else(|| DbError::Corrupt(ErrorMessage::new("unexpected form of a snapshot")))?;
        self.seen = snapshot.from();
        revoked.renumber_restored(&snapshot);
        revoked.finish_read(snapshot, asked);
        Ok(())
    }
}

/// The timeline of the server. A service of a cloud provider may hide it: then a failover that loses commits goes unnoticed.
///
/// Any other failure ends the connection. A wrong timeline would send every follower the whole list.
fn timeline(answer: Result<String, sqlx::Error>) -> Result<u32, DbError> {
    match answer {
        Ok(digits) => u32::from_str_radix(&digits, 16)
            .map_err(|_| DbError::Corrupt(ErrorMessage::new("unexpected form of a WAL file name"))),
        Err(sqlx::Error::Database(error))
            if HIDDEN.contains(&error.code().as_deref().unwrap_or_default()) =>
        {
            Ok(FIRST_TIMELINE)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// An error of the server, with its SQLSTATE.
    #[derive(Debug)]
    struct ServerError(&'static str);

    impl fmt::Display for ServerError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for ServerError {}

    impl DatabaseError for ServerError {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn only_a_hidden_timeline_counts_as_the_first() {
        let refused = |code| timeline(Err(sqlx::Error::Database(Box::new(ServerError(code))))).ok();
        assert_eq!(HIDDEN.map(refused), [Some(1); 3]);
        assert_eq!(["57014", "57P01", "55000", "53200"].map(refused), [None; 4]);
        assert_eq!(timeline(Err(sqlx::Error::PoolTimedOut)).ok(), None);
        assert_eq!(timeline(Ok("0000001A".to_owned())).ok(), Some(26));
        assert_eq!(timeline(Ok("archive".to_owned())).ok(), None);
    }
}
