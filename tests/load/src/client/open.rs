//! An open loop: requests are due at fixed times.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::client::closed::describe;
use crate::client::{Response, Seen, Talk};
use crate::process::Process;

/// Has these talk with `base`, `rate` requests a second in all, for the warm-up and then for the run. Each request is
/// sent by whoever has no other under way; when nobody has, it waits, and that is counted. Threads send them, not
/// tasks: a sleeping thread wakes within a twentieth of a millisecond, a task within one or two.
///
/// This blocks the thread that it is called on.
///
/// # Errors
/// When a connection breaks, or an answer was not expected.
pub fn open<T: Talk>(
    base: &str,
    talks: impl IntoIterator<Item = T>,
    rate: u32,
    warm_up: Duration,
    run: Duration,
) -> Result<Seen> {
    let address = base.trim_start_matches("http://");
    let mut streams = Vec::new();
    for talk in talks {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        streams.push((stream, talk));
    }
    let start = Instant::now();
    let schedule =
        Schedule { next: AtomicU32::new(0), start, rate, begin: start + warm_up, end: start + warm_up + run };
    let before = Process::own().cpu_time()?;
    let seen = thread::scope(|scope| {
        let start = |(stream, talk)| scope.spawn(|| ask(stream, talk, &schedule));
        let threads: Vec<_> = streams.into_iter().map(start).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    let client_cpu =
        Process::own().cpu_time()?.saturating_sub(before).mul_f64(run.div_duration_f64(warm_up + run));
    Seen::sum(seen, run, client_cpu)?.all_as_expected()
}

/// When requests are due.
struct Schedule {
    /// The number of the next request that nobody has taken.
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

fn ask<T: Talk>(mut stream: TcpStream, mut talk: T, schedule: &Schedule) -> Result<Seen> {
    let mut received = Vec::with_capacity(4_096);
    let mut seen = Seen::nothing()?;
    while let Some(due) = schedule.take() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let response = exchange(&mut stream, &mut received, talk.request()).context("a connection broke")?;
        let time = due.elapsed();
        if !talk.is_expected(&response) {
            seen.count_unexpected(|| describe(&response));
        } else if due >= schedule.begin {
            seen.count(response.status, time);
        }
    }
    Ok(seen)
}

fn exchange<'a>(
    stream: &mut TcpStream,
    received: &'a mut Vec<u8>,
    request: &[u8],
) -> io::Result<Response<'a>> {
    stream.write_all(request)?;
    received.clear();
    while Response::parse(received)?.is_none() {
        let mut chunk = [0; 4_096];
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received.extend_from_slice(&chunk[..count]),
        }
    }
    Response::parse(received)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
