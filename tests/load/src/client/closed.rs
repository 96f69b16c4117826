//! A closed loop: every connection asks again as soon as it is answered.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{LoadClient, LoadStats, RawResponse};
use crate::process::Process;

/// Runs each client on its own connection to `base`, such as `http://127.0.0.1:8080`, for the warm-up and then for the
/// run. Returns the statistics of the run. Expected answers are counted by status.
///
/// # Errors
/// If a connection breaks, or if an answer is not expected.
pub async fn closed<T: LoadClient>(
    base: &str,
    clients: impl IntoIterator<Item = T>,
    warm_up: Duration,
    run: Duration,
) -> Result<LoadStats> {
    let address = base.trim_start_matches("http://");
    let mut streams = Vec::new();
    for client in clients {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        streams.push((stream, client));
    }
    let begin = Instant::now() + warm_up;
    let end = begin + run;
    let mut asking = JoinSet::new();
    for (stream, client) in streams {
        asking.spawn(ask(stream, client, begin, end));
    }
    tokio::time::sleep_until(begin.into()).await;
    let before = Process::own().cpu_time()?;
    tokio::time::sleep_until(end.into()).await;
    let client_cpu = Process::own().cpu_time()?.saturating_sub(before);
    let stats: Vec<_> = asking.join_all().await.into_iter().collect::<Result<_>>()?;
    LoadStats::sum(stats, run, client_cpu)?.all_as_expected()
}

async fn ask<T: LoadClient>(
    stream: TcpStream,
    mut client: T,
    begin: Instant,
    end: Instant,
) -> Result<LoadStats> {
    let mut connection = Connection { stream, received: Vec::with_capacity(4_096) };
    let mut stats = LoadStats::nothing()?;
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(stats);
        }
        let response = connection.exchange(client.request()).await.context("a connection broke")?;
        let answered = Instant::now();
        if !client.is_expected(&response) {
            stats.count_unexpected(|| describe(&response));
        } else if begin <= answered && answered < end {
            // By when it is answered: as many are under way at the end as at the beginning.
            stats.count(response.status, answered - sent);
        }
    }
}

/// An answer in a line, for an error.
#[must_use]
pub(crate) fn describe(response: &RawResponse<'_>) -> String {
    format!("{} {}", response.status, String::from_utf8_lossy(response.body))
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> io::Result<RawResponse<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        while RawResponse::parse(&self.received)?.is_none() {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        RawResponse::parse(&self.received)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::client::SameRequest;

    /// Answers each request with this status.
    async fn answering(status: u16) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let response = format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\n\r\n{{}}");
                    let mut request = [0; 1_024];
                    while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                        stream.write_all(response.as_bytes()).await.expect("sent");
                    }
                });
            }
        });
        base
    }

    async fn load(status: u16) -> Result<LoadStats> {
        let clients = vec![SameRequest(b"GET / HTTP/1.1\r\n\r\n".to_vec()); 3];
        closed(&answering(status).await, clients, Duration::from_millis(10), Duration::from_millis(500)).await
    }

    #[tokio::test]
    async fn expected_responses_are_counted() {
        let stats = load(200).await.expect("a load");
        assert!(stats.answered() > 0 && stats.statuses.keys().eq([&200]), "{:?}", stats.statuses);
    }

    #[tokio::test]
    async fn error_status_fails_the_load() {
        let failure = load(503).await.expect_err("a failure").to_string();
        assert!(failure.contains("503 {}"), "{failure}");
    }
}
