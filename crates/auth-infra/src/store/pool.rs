//! Connections that are made when they are needed and kept for the next call.
//!
//! sqlx's own pool does more than these adapters can use: after every call it asks the server for a sign of life, which
//! costs another round trip, and waits for it without limit, lending one connection less for as long as a server is
//! silent. Here a connection is kept only if the call that had it got its last answer, and nothing is asked.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Connection, Error};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::PATIENCE;

/// A connection that nobody needed for this long is not used again: somebody on the way may have forgotten it.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// A connection is not used for longer than this, so that servers behind one address get their share.
const AGE: Duration = Duration::from_secs(30 * 60);
/// How long a connection that is given up may take to say so.
const FAREWELL: Duration = Duration::from_secs(5);

/// A bounded number of connections. Cloning it is cheap: the clones share them.
#[derive(Clone)]
pub(crate) struct Pool<C: Connection> {
    shared: Arc<Shared<C>>,
}

struct Shared<C: Connection> {
    options: C::Options,
    /// One for each connection that there may be.
    permits: Arc<Semaphore>,
    max_connections: u32,
    closed: AtomicBool,
    /// Those that wait for a call, the one that was used last on top.
    idle: Mutex<Vec<Idle<C>>>,
}

struct Idle<C> {
    connection: C,
    made_at: Instant,
    since: Instant,
}

/// A connection on loan. Unless it is [given back](Self::give_back) it is closed: the database may still be at work for
/// a call that was given up, or be in a transaction that nobody will end.
pub(crate) struct Lease<C: Connection> {
    /// Gone only in a lease that is ending.
    connection: Option<C>,
    made_at: Instant,
    shared: Arc<Shared<C>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<C: Connection> Pool<C> {
    /// At most `max_connections`, made with `options`; none is made yet.
    pub(crate) fn new(options: C::Options, max_connections: u32) -> Self {
        let max_connections = max_connections.max(1);
        let permits = Arc::new(Semaphore::new(usize::try_from(max_connections).unwrap_or(Semaphore::MAX_PERMITS)));
        Self { shared: Arc::new(Shared { options, permits, max_connections, closed: AtomicBool::new(false), idle: Mutex::default() }) }
    }

    pub(crate) fn options(&self) -> &C::Options {
        &self.shared.options
    }

    pub(crate) fn max_connections(&self) -> u32 {
        self.shared.max_connections
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn lease(&self) -> Result<Lease<C>, Error> {
        let deadline = Instant::now() + PATIENCE;
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(Error::PoolClosed);
        }
        let permit = timeout(PATIENCE, Arc::clone(&self.shared.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::PoolTimedOut)?.map_err(|_| Error::PoolClosed)?;
        let (connection, made_at) = match self.shared.take_idle() {
            Some(idle) => (idle.connection, idle.made_at),
            None => (self.shared.connect(deadline).await?, Instant::now()),
        };
        let shared = Arc::clone(&self.shared);
        Ok(Lease { connection: Some(connection), made_at, shared, permit: Some(permit) })
    }

    /// Lends no more, waits for those on loan, and closes them all.
    pub(crate) async fn close(&self) {
        let shared = &*self.shared;
        shared.closed.store(true, Ordering::Release);
        let all = shared.permits.acquire_many(shared.max_connections).await;
        let idle = std::mem::take(&mut *shared.idle());
        for Idle { connection, .. } in idle {
            let _ = connection.close().await;
        }
        shared.permits.close();
        drop(all);
    }
}

impl<C: Connection> Shared<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, unless that is too long ago; the others are older still.
    fn take_idle(&self) -> Option<Idle<C>> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE && idle.made_at.elapsed() < AGE);
        idle.pop()
    }

    /// A new connection. A server that is just starting is waited for.
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

/// Nobody listens, or `cannot_connect_now` or `too_many_connections` (PostgreSQL documentation, appendix A).
fn is_starting(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Database(error) => error.code().is_some_and(|code| code == "57P03" || code == "53300"),
        _ => false,
    }
}

impl<C: Connection> Lease<C> {
    /// Gives the connection back for the next call. Its last answer was complete, and no transaction is open.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.shared.idle().push(Idle { connection, made_at: self.made_at, since: Instant::now() });
        }
    }
}

impl<C: Connection> Deref for Lease<C> {
    type Target = C;

    #[expect(clippy::expect_used, reason = "a lease without its connection is one that has ended")]
    fn deref(&self) -> &C {
        self.connection.as_ref().expect("on loan")
    }
}

impl<C: Connection> DerefMut for Lease<C> {
    #[expect(clippy::expect_used, reason = "a lease without its connection is one that has ended")]
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("on loan")
    }
}

impl<C: Connection> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let permit = self.permit.take();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(FAREWELL, connection.close()).await;
                drop(permit);
            });
        }
    }
}
