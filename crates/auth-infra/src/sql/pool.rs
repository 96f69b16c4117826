//! A connection pool (ADR 0006).
//!
//! sqlx's own pool does more than these adapters can use. After every call it pings the server, which costs a round trip. It
//! waits for the answer without a limit, so a silent server costs it one connection per call. This pool sends nothing: it
//! keeps a connection only if the call received its last answer.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::select;
use parking_lot::Mutex;
use sqlx::{Connection, Error};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::{ACQUIRE_TIMEOUT, CLOSE_TIMEOUT, RevokedSessions};

/// A connection that was idle for longer is not used again, because a firewall or proxy may have dropped it.
const MAX_IDLE: Duration = Duration::from_secs(5 * 60);
/// An older connection is not used again, so that servers behind one address share the load.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// A bounded number of connections. Cloning it is cheap: the clones share them.
pub(crate) struct Pool<C: Connection> {
    shared: Arc<Shared<C>>,
}

impl<C: Connection> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

struct Shared<C: Connection> {
    options: C::Options,
    /// One permit per connection.
    permits: Arc<Semaphore>,
    max_connections: u32,
    closed: AtomicBool,
    closing: Notify,
    /// The most recently used connection is last.
    idle: Mutex<Vec<Idle<C>>>,
    revoked: Arc<RevokedSessions>,
}

struct Idle<C> {
    connection: C,
    made_at: Instant,
    since: Instant,
}

/// A pooled connection while one caller uses it. Dropping the lease closes the connection, unless it was
/// [given back](Self::give_back): the database may still execute a cancelled call, or have an open transaction.
pub(crate) struct Lease<C: Connection + 'static> {
    /// `None` only while the lease ends.
    connection: Option<C>,
    made_at: Instant,
    shared: Arc<Shared<C>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<C: Connection + 'static> Pool<C> {
    pub(crate) fn new(options: C::Options, max_connections: u32) -> Self {
        let max_connections = max_connections.max(1);
        let permits =
            Arc::new(Semaphore::new(usize::try_from(max_connections).unwrap_or(Semaphore::MAX_PERMITS)));
        Self {
            shared: Arc::new(Shared {
                options,
                permits,
                max_connections,
                closed: AtomicBool::new(false),
                closing: Notify::new(),
                idle: Mutex::default(),
                revoked: Arc::default(),
            }),
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn options(&self) -> &C::Options {
        &self.shared.options
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn max_connections(&self) -> u32 {
        self.shared.max_connections
    }

    /// The revoked sessions. A call that ends a session on a connection of this pool inserts it.
    pub(crate) fn revoked(&self) -> &RevokedSessions {
        &self.shared.revoked
    }

    pub(crate) fn shared_revoked(&self) -> Arc<RevokedSessions> {
        Arc::clone(&self.shared.revoked)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Runs `work` until it is done or the pool is closed.
    pub(crate) async fn until_closed(&self, work: impl Future<Output = ()>) {
        let closing = self.shared.closing.notified();
        if !self.is_closed() {
            select(pin!(closing), pin!(work)).await;
        }
    }

    /// Waits for a connection, at most [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn lease(&self) -> Result<Lease<C>, Error> {
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        if self.is_closed() {
            return Err(Error::PoolClosed);
        }
        let permit = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.shared.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)?;
        let (connection, made_at) = match self.shared.take_idle() {
            Some(idle) => (idle.connection, idle.made_at),
            // Boxed, because it is rare and many times larger than the rest of a call's future.
            None => (Box::pin(self.shared.connect(deadline)).await?, Instant::now()),
        };
        let shared = Arc::clone(&self.shared);
        Ok(Lease { connection: Some(connection), made_at, shared, permit: Some(permit) })
    }

    /// Closes the idle connections; later leases get new ones.
    pub(crate) fn discard_idle(&self) {
        self.shared.idle.lock().clear();
    }

    /// Grants no more leases, waits for the active ones, and closes all connections.
    pub(crate) async fn close(&self) {
        let shared = &*self.shared;
        shared.closed.store(true, Ordering::Release);
        shared.closing.notify_waiters();
        let all = shared.permits.acquire_many(shared.max_connections).await;
        let idle = std::mem::take(&mut *shared.idle.lock());
        for Idle { connection, .. } in idle {
            let _ = connection.close().await;
        }
        shared.permits.close();
        drop(all);
    }
}

impl<C: Connection> Shared<C> {
    /// Takes the most recently used connection, so that the others can reach [`MAX_IDLE`].
    fn take_idle(&self) -> Option<Idle<C>> {
        let mut idle = self.idle.lock();
        idle.retain(|idle| idle.since.elapsed() < MAX_IDLE && idle.made_at.elapsed() < MAX_AGE);
        idle.pop()
    }

    /// Opens a connection. Waits for a server that is starting.
    async fn connect(&self, deadline: Instant) -> Result<C, Error> {
        let mut pause = Duration::from_millis(10);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, C::connect_with(&self.options)).await {
                Err(_) => return Err(Error::PoolTimedOut),
                Ok(Err(error)) if is_starting(&error) && pause < left => sleep(pause).await,
                Ok(made) => return made,
            }
            pause *= 2;
        }
    }
}

/// The port is closed, or the error is `cannot_connect_now` or `too_many_connections` (PostgreSQL documentation, appendix A).
fn is_starting(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Database(error) => error.code().is_some_and(|code| code == "57P03" || code == "53300"),
        _ => false,
    }
}

impl<C: Connection + 'static> Lease<C> {
    pub(crate) fn revoked(&self) -> Arc<RevokedSessions> {
        Arc::clone(&self.shared.revoked)
    }

    /// Returns the connection to the pool. Its last answer must be complete, and no transaction may be open.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.shared.idle.lock().push(Idle { connection, made_at: self.made_at, since: Instant::now() });
        }
    }
}

impl<C: Connection + 'static> Deref for Lease<C> {
    type Target = C;

    #[expect(clippy::expect_used, reason = "a lease has its connection until it ends")]
    fn deref(&self) -> &C {
        self.connection.as_ref().expect("on loan")
    }
}

impl<C: Connection + 'static> DerefMut for Lease<C> {
    #[expect(clippy::expect_used, reason = "a lease has its connection until it ends")]
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("on loan")
    }
}

impl<C: Connection + 'static> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let permit = self.permit.take();
        if let Ok(runtime) = Handle::try_current() {
            // The permit is released after the close, so there are never more connections than permits.
            runtime.spawn(async move {
                let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

    use super::*;

    fn pool(max_connections: u32) -> Pool<SqliteConnection> {
        Pool::new(SqliteConnectOptions::new().in_memory(true), max_connections)
    }

    /// Marks a connection. Each has its own database in memory.
    async fn mark(lease: &mut Lease<SqliteConnection>) {
        sqlx::raw_sql("CREATE TABLE mark (id)").execute(&mut **lease).await.expect("marked");
    }

    async fn is_marked(pool: &Pool<SqliteConnection>) -> bool {
        let mut lease = pool.lease().await.expect("a connection");
        sqlx::raw_sql("SELECT * FROM mark").execute(&mut *lease).await.is_ok()
    }

    #[tokio::test]
    async fn returned_connection_is_leased_again() {
        let pool = pool(2);
        let (mut first, second) = (pool.lease().await.expect("one"), pool.lease().await.expect("two"));
        mark(&mut first).await;
        second.give_back();
        first.give_back();
        assert!(is_marked(&pool).await, "the most recently used connection comes first");
    }

    #[tokio::test]
    async fn dropped_lease_closes_its_connection() {
        let pool = pool(1);
        let mut lease = pool.lease().await.expect("a connection");
        mark(&mut lease).await;
        drop(lease);
        assert!(!is_marked(&pool).await);
    }

    #[tokio::test]
    async fn discarded_connection_is_not_leased_again() {
        let pool = pool(1);
        let mut lease = pool.lease().await.expect("a connection");
        mark(&mut lease).await;
        lease.give_back();
        pool.discard_idle();
        assert!(!is_marked(&pool).await);
    }

    #[tokio::test]
    async fn pool_never_exceeds_its_size() {
        let pool = pool(1);
        let lease = pool.lease().await.expect("a connection");
        let begun = Instant::now();
        assert!(matches!(pool.lease().await, Err(Error::PoolTimedOut)));
        assert!(begun.elapsed() >= ACQUIRE_TIMEOUT);
        lease.give_back();
        pool.lease().await.expect("free again");
    }

    #[tokio::test]
    async fn closing_waits_for_leases_and_grants_no_more() {
        let pool = pool(2);
        let lease = pool.lease().await.expect("a connection");
        let (closing, leasing) = (pool.clone(), pool.clone());
        let (closed, ()) = tokio::join!(timeout(ACQUIRE_TIMEOUT, closing.close()), async move {
            tokio::task::yield_now().await;
            assert!(matches!(leasing.lease().await, Err(Error::PoolClosed)));
            lease.give_back();
        });
        closed.expect("closed");
        assert!(pool.shared.idle.lock().is_empty());
        assert!(matches!(pool.lease().await, Err(Error::PoolClosed)));
    }
}
