//! An open loop: requests are due at fixed times.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::client::closed::describe;
use crate::client::{LoadClient, LoadStats, RawResponse};
use crate::process::Process;

/// Runs these clients against `base`, `rate` requests a second in all, for the warm-up and then for the run. Each request is
/// sent by an idle connection. If none is idle, the request waits, and the wait counts. Threads send them, not
/// tasks: a sleeping thread wakes within a twentieth of a millisecond, a task within one or two.
///
/// This blocks the thread that it is called on.
///
/// # Errors
/// When a connection breaks, or an answer was not expected.
pub fn open<T: LoadClient>(
    base: &str,
    clients: impl IntoIterator<Item = T>,
    rate: u32,
    warm_up: Duration,
    run: Duration,
) -> Result<LoadStats> {
    let address = base.trim_start_matches("http://");
    let mut streams = Vec::new();
    for client in clients {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        streams.push((stream, client));
    }
    let start = Instant::now();
    let schedule =
        Schedule { next: AtomicU32::new(0), start, rate, begin: start + warm_up, end: start + warm_up + run };
    let before = Process::own().cpu_time()?;
    let stats = thread::scope(|scope| {
        let threads: Vec<_> = streams
            .into_iter()
            .map(|(stream, client)| scope.spawn(|| ask(stream, client, &schedule)))
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    let client_cpu =
        Process::own().cpu_time()?.saturating_sub(before).mul_f64(run.div_duration_f64(warm_up + run));
    LoadStats::sum(stats, run, client_cpu)?.all_as_expected()
}

/// When requests are due.
struct Schedule {
    /// The number of the next request that no connection has taken.
    next: AtomicU32,
    start: Instant,
    rate: u32,
    begin: Instant,
    end: Instant,
}

impl Schedule {
    /// When the next request is due; `None` after the end.
    fn take(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.start + Duration::from_secs(1) * number / self.rate;
        (due < self.end).then_some(due)
    }
}

fn ask<T: LoadClient>(mut stream: TcpStream, mut client: T, schedule: &Schedule) -> Result<LoadStats> {
    let mut received = Vec::with_capacity(4_096);
    let mut stats = LoadStats::nothing()?;
    while let Some(due) = schedule.take() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let response =
            exchange(&mut stream, &mut received, client.request()).context("a connection broke")?;
        let time = due.elapsed();
        if !client.is_expected(&response) {
            stats.count_unexpected(|| describe(&response));
        } else if due >= schedule.begin {
            stats.count(response.status, time);
        }
    }
    Ok(stats)
}

fn exchange<'a>(
    stream: &mut TcpStream,
    received: &'a mut Vec<u8>,
    request: &[u8],
) -> io::Result<RawResponse<'a>> {
    stream.write_all(request)?;
    received.clear();
    while RawResponse::parse(received)?.is_none() {
        let mut chunk = [0; 4_096];
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received.extend_from_slice(&chunk[..count]),
        }
    }
    RawResponse::parse(received)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::client::SameRequest;

    const STALL: Duration = Duration::from_millis(300);

    /// Answers the first client, after a stall.
    fn stalling() -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            thread::sleep(STALL);
            let mut request = [0; 1_024];
            while stream.read(&mut request).is_ok_and(|count| count > 0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("sent");
            }
        });
        base
    }

    /// One connection sends a hundred requests a second, and the first is answered after 0.3 s. Thirty requests were due
    /// meanwhile. A closed loop would count one slow answer.
    #[test]
    fn requests_delayed_by_a_stall_count_as_slow() {
        let clients = [SameRequest(b"GET / HTTP/1.1\r\n\r\n".to_vec())];
        let stats =
            open(&stalling(), clients, 100, Duration::ZERO, Duration::from_millis(500)).expect("answers");
        assert_eq!(stats.answered(), 50);
        assert!(
            stats.percentile_ms(50.0) > 10.0,
            "half of the requests were due during the stall: {}",
            stats.percentile_ms(50.0)
        );
        assert!(stats.percentile_ms(100.0) >= STALL.as_secs_f64() * 1e3 * 0.99);
    }
}
