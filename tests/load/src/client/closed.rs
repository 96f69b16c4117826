//! A closed loop: every connection asks again as soon as it is answered.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Response, Seen, Talk};
use crate::process::Process;

/// Has each of these talk on a connection of its own with `base`, such as `http://127.0.0.1:8080`, for the warm-up and
/// then for the run; tells what was seen in the run. What a talk takes as expected is counted by its status.
///
/// # Errors
/// When a connection breaks, or an answer was not expected.
pub async fn closed<T: Talk>(
    base: &str,
    talks: impl IntoIterator<Item = T>,
    warm_up: Duration,
    run: Duration,
) -> Result<Seen> {
    let address = base.trim_start_matches("http://");
    let mut streams = Vec::new();
    for talk in talks {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        streams.push((stream, talk));
    }
    let begin = Instant::now() + warm_up;
    let end = begin + run;
    let mut asking = JoinSet::new();
    for (stream, talk) in streams {
        asking.spawn(ask(stream, talk, begin, end));
    }
    tokio::time::sleep_until(begin.into()).await;
    let before = Process::own().cpu_time()?;
    tokio::time::sleep_until(end.into()).await;
    let client_cpu = Process::own().cpu_time()?.saturating_sub(before);
    let seen: Vec<_> = asking.join_all().await.into_iter().collect::<Result<_>>()?;
    Seen::sum(seen, run, client_cpu)?.all_as_expected()
}

async fn ask<T: Talk>(stream: TcpStream, mut talk: T, begin: Instant, end: Instant) -> Result<Seen> {
    let mut connection = Connection { stream, received: Vec::with_capacity(4_096) };
    let mut seen = Seen::nothing()?;
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(seen);
        }
        let response = connection.exchange(talk.request()).await.context("a connection broke")?;
        let answered = Instant::now();
        if !talk.is_expected(&response) {
            seen.count_unexpected(|| describe(&response));
        } else if begin <= answered && answered < end {
            // By when it is answered: as many are under way at the end as at the beginning.
            seen.count(response.status, answered - sent);
        }
    }
}

/// An answer in a line, for an error.
#[must_use]
pub(crate) fn describe(response: &Response<'_>) -> String {
    format!("{} {}", response.status, String::from_utf8_lossy(response.body))
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        while Response::parse(&self.received)?.is_none() {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Response::parse(&self.received)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
