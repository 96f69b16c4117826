//! A connection that does not wait for ever for its next request.

use std::cell::Cell;
use std::io::{self, Error, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Marks a request as under way on its connection, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct UnderWay(Option<Rc<Pause>>);

impl UnderWay {
    /// Marks this request, unless it came in by no connection, as in tests.
    pub fn mark(request: &HttpRequest) -> Self {
        Self::on(request.conn_data::<Rc<Pause>>().cloned())
    }

    fn on(pause: Option<Rc<Pause>>) -> Self {
        if let Some(pause) = &pause {
            pause.since.set(None);
        }
        Self(pause)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(pause) = &self.0 {
            pause.since.set(Some(Instant::now()));
        }
    }
}

/// Since when a connection has been without a request. Never, before the first: actix has a deadline for that.
#[derive(Debug, Default)]
pub(super) struct Pause {
    since: Cell<Option<Instant>>,
}

/// A stream that ends when the pause between two requests is too long.
///
/// The timer is asked at every read and write. The one that fires during a request stays as it is until the answer
/// is written, which sets it anew: so it costs nothing to speak of while requests come in time.
pub(super) struct Watched<S> {
    stream: S,
    limit: Duration,
    pause: Rc<Pause>,
    timer: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, pause: Rc::default(), timer: Box::pin(sleep(limit)) }
    }

    /// The pause, for [`UnderWay::mark`] to find in the connection's data.
    pub(super) fn pause(&self) -> &Rc<Pause> {
        &self.pause
    }

    /// Whether the pause is too long. If it is not yet, the task is woken when it is.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(context).is_ready() {
            let Some(since) = self.pause.since.get() else {
                return false;
            };
            let deadline = since + self.limit;
            if deadline <= Instant::now() {
                return true;
            }
            self.timer.as_mut().reset(deadline);
        }
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Ok(())); // the end of the stream, as if the client had hung up
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A client that reads no answers is not waited for any longer than one that asks nothing.
        if self.is_over(context) {
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

    async fn is_over(connection: &mut Watched<()>) -> bool {
        poll_fn(|context| Poll::Ready(connection.is_over(context))).await
    }

    fn request(connection: &Watched<()>) -> UnderWay {
        UnderWay::on(Some(Rc::clone(&connection.pause)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_over_when_the_pause_after_a_request_is_too_long_whatever_is_read_meanwhile() {
        let mut connection = Watched::new((), LIMIT);
        drop(request(&connection));
        for _ in 0..74 {
            advance(SECOND).await;
            assert!(!is_over(&mut connection).await);
        }
        advance(SECOND).await;
        assert!(is_over(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn every_request_begins_the_pause_anew() {
        let mut connection = Watched::new((), LIMIT);
        for _ in 0..5 {
            drop(request(&connection));
            assert!(!is_over(&mut connection).await);
            advance(SECOND * 74).await;
            assert!(!is_over(&mut connection).await);
        }
        advance(SECOND).await;
        assert!(is_over(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_not_cut_and_the_pause_is_counted_from_its_end() {
        let mut connection = Watched::new((), LIMIT);
        let under_way = request(&connection);
        advance(LIMIT * 3).await;
        assert!(!is_over(&mut connection).await);
        drop(under_way);
        assert!(!is_over(&mut connection).await);
        advance(LIMIT).await;
        assert!(is_over(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_is_woken_when_the_pause_is_too_long() {
        let mut connection = Watched::new((), LIMIT);
        drop(request(&connection));
        let started = Instant::now();
        poll_fn(|context| if connection.is_over(context) { Poll::Ready(()) } else { Poll::Pending }).await;
        assert!(started.elapsed() < LIMIT + SECOND, "{:?}", started.elapsed());
    }
}
