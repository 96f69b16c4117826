//! A connection that ends when it is idle for too long.

use std::cell::Cell;
use std::io::{self, Error, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Keeps a connection from counting as idle, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct ActiveRequest(Option<Rc<IdleClock>>);

impl ActiveRequest {
    /// Marks a request as active. A request without a connection, as in tests, needs no mark.
    pub(super) fn mark(request: &HttpRequest) -> Self {
        Self::on(request.conn_data::<Rc<IdleClock>>().cloned())
    }

    fn on(clock: Option<Rc<IdleClock>>) -> Self {
        if let Some(clock) = &clock {
            clock.idle_since.set(None);
        }
        Self(clock)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            clock.idle_since.set(Some(Instant::now()));
        }
    }
}

/// The time since which a connection is idle. It is unset during a request, and before the first request, for which actix
/// has a deadline.
#[derive(Debug, Default)]
pub(super) struct IdleClock {
    idle_since: Cell<Option<Instant>>,
}

/// A stream that ends when the time between two requests exceeds `limit`.
///
/// Every read and write polls the timer. A timer that fires during a request is left alone until the answer is
/// written; only then it is reset. A connection whose requests come in time therefore almost never resets it.
pub(super) struct IdleTimeoutStream<S> {
    stream: S,
    limit: Duration,
    clock: Rc<IdleClock>,
    timer: Pin<Box<Sleep>>,
}

impl<S> IdleTimeoutStream<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, clock: Rc::default(), timer: Box::pin(sleep(limit)) }
    }

    pub(super) fn idle_clock(&self) -> &Rc<IdleClock> {
        &self.clock
    }

    /// Whether the connection has been idle for too long. Otherwise the timer wakes the task when it will have been.
    fn is_expired(&mut self, context: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(context).is_ready() {
            let Some(idle_since) = self.clock.idle_since.get() else {
                return false;
            };
            let deadline = idle_since + self.limit;
            if deadline <= Instant::now() {
                return true;
            }
            self.timer.as_mut().reset(deadline);
        }
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleTimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_expired(context) {
            return Poll::Ready(Ok(())); // end of stream, as if the client had closed the connection
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IdleTimeoutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A client that does not read its answers gets no more time than one that sends no request.
        if self.is_expired(context) {
            return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(75);
    const SECOND: Duration = Duration::from_secs(1);

    async fn is_expired(connection: &mut IdleTimeoutStream<()>) -> bool {
        poll_fn(|context| Poll::Ready(connection.is_expired(context))).await
    }

    fn request(connection: &IdleTimeoutStream<()>) -> ActiveRequest {
        ActiveRequest::on(Some(Rc::clone(&connection.clock)))
    }

    #[tokio::test(start_paused = true)]
    async fn partial_reads_do_not_extend_an_idle_connection() {
        let mut connection = IdleTimeoutStream::new((), LIMIT);
        drop(request(&connection));
        for _ in 0..74 {
            advance(SECOND).await;
            assert!(!is_expired(&mut connection).await);
        }
        advance(SECOND).await;
        assert!(is_expired(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn every_request_restarts_the_idle_time() {
        let mut connection = IdleTimeoutStream::new((), LIMIT);
        for _ in 0..5 {
            drop(request(&connection));
            assert!(!is_expired(&mut connection).await);
            advance(SECOND * 74).await;
            assert!(!is_expired(&mut connection).await);
        }
        advance(SECOND).await;
        assert!(is_expired(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_starts_when_the_active_request_ends() {
        let mut connection = IdleTimeoutStream::new((), LIMIT);
        let active = request(&connection);
        advance(LIMIT * 3).await;
        assert!(!is_expired(&mut connection).await);
        drop(active);
        assert!(!is_expired(&mut connection).await);
        advance(LIMIT).await;
        assert!(is_expired(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_wakes_the_task_of_an_idle_connection() {
        let mut connection = IdleTimeoutStream::new((), LIMIT);
        drop(request(&connection));
        let started = Instant::now();
        poll_fn(|context| if connection.is_expired(context) { Poll::Ready(()) } else { Poll::Pending }).await;
        assert!(started.elapsed() < LIMIT + SECOND, "{:?}", started.elapsed());
    }
}
