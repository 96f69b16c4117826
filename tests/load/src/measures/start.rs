//! From the start of the program on a store that exists to its first word that it is ready.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::{TestData, TestServer};

use crate::bench::{Bench, Store};
use crate::measure::{Better, Goal, Measured, Round, Spread};

/// Starts in each of the rounds.
const STARTS: usize = 20;
/// How often it is asked.
const POLL: Duration = Duration::from_micros(500);
/// When it is given up.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Milliseconds from the start to the first 200 of `/health/ready`.
///
/// # Errors
/// When it does not come to be ready.
#[expect(clippy::unused_async, reason = "all measures are called alike")]
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    Store::ALL.into_iter().map(|store| measure_on(store, bench)).collect()
}

fn measure_on(store: Store, bench: &Bench) -> Result<Measured> {
    let data = store.test_data()?;
    // The first start makes the schema and the keys.
    drop(TestServer::start(&data));
    let rounds = (0..bench.rounds).map(|_| round(&data)).collect::<Result<_>>()?;
    Ok(Measured {
        id: format!("start-{}", store.id()),
        name: format!("Start to ready, existing store, {store}"),
        unit: "ms".to_owned(),
        better: Better::Lower,
        goal: (store == Store::Sqlite).then_some(Goal::Value(100.0)),
        limit: String::new(),
        rounds,
        notes: vec![format!(
            "From the start of the process to the first 200 of /health/ready, asked every {} ms: the median of {STARTS} \
             starts a round. Each comes after a kill.",
            POLL.as_secs_f64() * 1e3,
        )],
    })
}

fn round(data: &TestData) -> Result<Round> {
    let times = (0..STARTS).map(|_| start(data)).collect::<Result<Vec<_>>>()?;
    let spread = Spread::of(times).unwrap_or(Spread { median: f64::NAN, min: f64::NAN, max: f64::NAN });
    let detail =
        BTreeMap::from([("least ms".to_owned(), spread.min), ("greatest ms".to_owned(), spread.max)]);
    Ok(Round { limit: None, ours: spread.median, detail })
}

/// Milliseconds of one start.
fn start(data: &TestData) -> Result<f64> {
    let address = free_address()?;
    let mut command = e2e::command(data);
    command.env("AUTH_LISTEN", address.to_string()).env("AUTH_LOG__LEVEL", "warn");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let server = KillOnDrop(command.spawn()?);
    while !is_ready(address) {
        ensure!(begun.elapsed() < WAIT_TIMEOUT, "not ready within {} s", WAIT_TIMEOUT.as_secs());
        sleep(POLL);
    }
    let time = begun.elapsed();
    drop(server);
    Ok(time.as_secs_f64() * 1e3)
}

/// A server that is killed in the end.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    get_readiness(address).is_ok_and(|response| response.starts_with(b"HTTP/1.1 200 "))
}

fn get_readiness(address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(WAIT_TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_status_200_means_ready() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let responses = ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"];
        let service = std::thread::spawn(move || {
            for response in responses {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut request = [0; 1_024];
                assert!(stream.read(&mut request).expect("a request") > 0);
                stream.write_all(response.as_bytes()).expect("sent");
            }
        });
        assert_eq!([is_ready(address), is_ready(address)], [false, true]);
        service.join().expect("ended");
        assert!(!is_ready(address), "the listener is closed");
    }
}
