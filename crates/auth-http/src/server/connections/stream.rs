//! A stream that bounds the time and the memory that its client can use.

use std::io::{self, Error, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::phase::{ConnectionState, Phase};
use super::write_progress::WriteProgress;

/// Bytes that are read before the dispatcher has answered what they contain.
///
/// actix decodes every request that it has received before it answers the first one, and each takes about 7 KiB. 1 KiB
/// contains at most 64 requests, and most single requests.
const READ_BUDGET: usize = 1024;

/// A stream that can be closed with a reset.
pub(super) trait Abort {
    /// Makes the system discard the unsent bytes when the stream is closed, instead of sending them for minutes.
    fn abort(&self);
}

impl Abort for TcpStream {
    fn abort(&self) {
        if let Err(error) = self.set_zero_linger() {
            tracing::debug!(%error, "the connection closes without a reset");
        }
    }
}

/// A stream that ends when the time between two requests exceeds `idle_limit`, or when its client takes its answers too
/// slowly. It reads only as much as the server is about to process.
///
/// Every read polls the idle timer. A timer that fires during a request is left alone until the answer is written; only
/// then it is reset. A connection whose requests come in time therefore almost never resets it.
pub(super) struct ConnectionStream<S> {
    stream: S,
    state: Rc<ConnectionState>,
    idle_limit: Duration,
    idle_timer: Pin<Box<Sleep>>,
    writes: WriteProgress,
    /// The rest of [`READ_BUDGET`].
    readable: usize,
}

impl<S> ConnectionStream<S> {
    pub(super) fn new(stream: S, state: Rc<ConnectionState>, idle_limit: Duration) -> Self {
        let idle_timer = Box::pin(sleep(idle_limit));
        Self {
            stream,
            state,
            idle_limit,
            idle_timer,
            writes: WriteProgress::default(),
            readable: READ_BUDGET,
        }
    }

    pub(super) fn state(&self) -> &Rc<ConnectionState> {
        &self.state
    }

    /// Whether the connection has been idle for too long. Otherwise the timer wakes the task when it will have been.
    fn is_expired(&mut self, context: &mut Context<'_>) -> bool {
        while self.idle_timer.as_mut().poll(context).is_ready() {
            let Phase::Idle(since) = self.state.phase() else { return false };
            let deadline = since + self.idle_limit;
            if deadline <= Instant::now() {
                return true;
            }
            self.idle_timer.as_mut().reset(deadline);
        }
        false
    }

    /// Whether a read must wait, because the client does not take its answers or has sent requests ahead.
    fn is_held(&self, context: &Context<'_>) -> bool {
        if self.writes.is_blocked() {
            self.state.hold_reader(context.waker());
            return true;
        }
        if self.readable > 0 {
            return false;
        }
        match self.state.phase() {
            Phase::Active => self.state.hold_reader(context.waker()),
            // The dispatcher takes up what it has received, flushes, and reads again.
            Phase::New | Phase::Idle(_) | Phase::ReceivingBody => context.waker().wake_by_ref(),
        }
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ConnectionStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.writes.is_blocked() && self.is_expired(context) {
            return Poll::Ready(Ok(())); // end of stream, as if the client had closed the connection
        }
        if self.is_held(context) {
            return Poll::Pending;
        }
        let this = &mut *self;
        let limit = this.readable.min(buffer.remaining());
        let mut limited = ReadBuf::new(buffer.initialize_unfilled_to(limit));
        let poll = Pin::new(&mut this.stream).poll_read(context, &mut limited);
        let length = limited.filled().len();
        this.readable -= length;
        buffer.advance(length);
        poll
    }
}

impl<S: AsyncWrite + Abort + Unpin> AsyncWrite for ConnectionStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        match &poll {
            Poll::Ready(Ok(length)) => {
                self.writes.record(*length);
                // The idle time starts when the answer is written, not when it is ready.
                match self.state.phase() {
                    Phase::Idle(_) => self.state.enter(Phase::Idle(Instant::now())),
                    _ => self.state.release_reader(),
                }
            }
            Poll::Pending if self.writes.is_overdue(context) => {
                self.stream.abort();
                return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
            }
            _ => {}
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The dispatcher flushes after it has processed what it read. While a request is active, others may wait there.
        if self.state.phase() != Phase::Active {
            self.readable = READ_BUDGET;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::server::connections::phase::{ActiveRequest, BodyReception};

    const LIMIT: Duration = Duration::from_secs(75);
    const SECOND: Duration = Duration::from_secs(1);

    impl Abort for DuplexStream {
        fn abort(&self) {}
    }

    fn connection<S>(stream: S) -> ConnectionStream<S> {
        ConnectionStream::new(stream, ConnectionState::new(Phase::New, None), LIMIT)
    }

    async fn is_expired(connection: &mut ConnectionStream<()>) -> bool {
        poll_fn(|context| Poll::Ready(connection.is_expired(context))).await
    }

    fn request<S>(connection: &ConnectionStream<S>) -> ActiveRequest {
        ActiveRequest::on(Some(Rc::clone(&connection.state)))
    }

    /// Reads until a read is pending, and returns the number of bytes.
    async fn read_available(connection: &mut ConnectionStream<DuplexStream>) -> usize {
        let mut bytes = [0; 4096];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| {
            while Pin::new(&mut *connection).poll_read(context, &mut buffer).is_ready() {}
            Poll::Ready(())
        })
        .await;
        buffer.filled().len()
    }

    #[tokio::test(start_paused = true)]
    async fn partial_reads_do_not_extend_an_idle_connection() {
        let mut connection = connection(());
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
        let mut connection = connection(());
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
        let mut connection = connection(());
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
        let mut connection = connection(());
        drop(request(&connection));
        let started = Instant::now();
        poll_fn(|context| if connection.is_expired(context) { Poll::Ready(()) } else { Poll::Pending }).await;
        assert!(started.elapsed() < LIMIT + SECOND, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_sent_ahead_wait_for_the_active_one() {
        let (server, mut client) = duplex(16 * 1024);
        let mut connection = connection(server);
        client.write_all(&[b'a'; 3 * READ_BUDGET]).await.expect("sent");
        let active = request(&connection);
        assert_eq!(read_available(&mut connection).await, READ_BUDGET);
        connection.flush().await.expect("flushed");
        assert_eq!(read_available(&mut connection).await, 0);

        let body = BodyReception::on(Some(Rc::clone(&connection.state)));
        connection.flush().await.expect("flushed");
        assert_eq!(read_available(&mut connection).await, READ_BUDGET);
        drop(body);
        connection.flush().await.expect("flushed");
        assert_eq!(read_available(&mut connection).await, 0);

        drop(active);
        connection.flush().await.expect("flushed");
        assert_eq!(read_available(&mut connection).await, READ_BUDGET);
    }

    #[tokio::test(start_paused = true)]
    async fn held_read_continues_when_the_request_ends() {
        let (server, mut client) = duplex(16 * 1024);
        let mut connection = connection(server);
        client.write_all(&[b'a'; 2 * READ_BUDGET]).await.expect("sent");
        let active = request(&connection);
        assert_eq!(read_available(&mut connection).await, READ_BUDGET);
        let mut buffer = [0; 4096];
        tokio::join!(
            async {
                // The dispatcher flushes each time that its task is woken.
                let read = poll_fn(|context| {
                    let mut buffer = ReadBuf::new(&mut buffer);
                    let mut connection = Pin::new(&mut connection);
                    let poll = connection.as_mut().poll_read(context, &mut buffer);
                    let _ = connection.poll_flush(context);
                    poll.map_ok(|()| buffer.filled().len())
                });
                assert_eq!(timeout(LIMIT, read).await.expect("woken").expect("read"), READ_BUDGET);
            },
            async { drop(active) },
        );
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_no_answer_is_closed() {
        let (server, client) = duplex(1024);
        let mut connection = connection(server);
        let _active = request(&connection);
        let started = Instant::now();
        let error = connection.write_all(&[b'a'; 8 * 1024]).await.expect_err("closed");
        assert_eq!((error.kind(), started.elapsed().as_secs()), (ErrorKind::TimedOut, 10));
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_is_read_while_an_answer_is_not_taken() {
        let (server, mut client) = duplex(1024);
        let mut connection = connection(server);
        client.write_all(&[b'a'; 100]).await.expect("sent");
        let written = timeout(SECOND, connection.write_all(&[b'a'; 2048])).await;
        assert!(written.is_err(), "the client has not read");
        assert_eq!(read_available(&mut connection).await, 0);
        client.read_exact(&mut [0; 1024]).await.expect("read");
        connection.write_all(&[b'a'; 10]).await.expect("written");
        assert_eq!(read_available(&mut connection).await, 100);
    }
}
