//! Connections: how many there may be, and how long one may go without a request under way.
//!
//! Left to itself, actix bounds the wait for a connection's first head, and the silence after an answer. It bounds no
//! later head: the first byte of one ends the keep-alive timer, and no other takes its place. Whoever sends half a
//! head, or a byte of one now and then, keeps the connection for ever, and a thousand such connections use up what a
//! process may usually open. Hence a watched stream, one that ends by itself when a client lets too much time pass
//! between an answer and the next whole head, whatever trickles in. It stands between [`actix_server`] and
//! [`actix_http`], where `HttpServer` lets nothing be put, and costs a timer and no file descriptor.

mod watched;

use std::fs;
use std::future::ready;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::rt::net::TcpStream;

pub use watched::UnderWay;

use watched::Watched;

/// How long the first head of a connection may take.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a client that is being refused may take to hang up.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// How long requests under way may take when the service is told to stop, in seconds.
const DRAIN_SECONDS: u64 = 30;
/// The most connections, however many files may be open: each has some 16 KiB of buffers.
const MAX_CONNECTIONS: usize = 20_000;
/// Files that are open beside connections: the store's, the keys, the log, and the workers' own.
const OTHER_FILES: usize = 64;
const FILES_OF_A_WORKER: usize = 8;
/// How many files may be open where the system does not tell.
const USUAL_FILES: usize = 1_024;

/// What the connections of a server may take up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that serve requests.
    pub workers: usize,
    /// How long a connection is kept from an answer to the next whole head.
    pub keep_alive: Duration,
    /// Files to leave to the store.
    pub store_files: usize,
}

/// Serves `app` to whoever connects to `listener`, until it is told to stop.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<T, B>(
    listener: TcpListener,
    limits: Limits,
    app: impl Fn() -> App<T> + Clone + Send + 'static,
) -> io::Result<Server>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let builder = Server::build()
        .workers(limits.workers)
        .max_concurrent_connections(connections_of_a_worker(open_files(), limits))
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .client_request_timeout(HEAD_DEADLINE)
            .client_disconnect_timeout(DISCONNECT_DEADLINE)
            .keep_alive(KeepAlive::Os) // as long as the stream, that is
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|stream: &Watched<TcpStream>, data| {
                data.insert(Rc::clone(stream.pause()));
            })
            .h1(map_config(app(), |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            // Whoever has reset the connection by now has no address any more, by which to limit what they have sent.
            ready(match stream.peer_addr() {
                Ok(peer) => Ok((Watched::new(stream, limits.keep_alive), Some(peer))),
                Err(gone) => Err(DispatchError::Io(gone)),
            })
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// How many connections a worker may have, so that the service does not run out of files: whoever comes when there
/// are as many waits in the listener's queue, and the store and the keys can be opened all the same.
fn connections_of_a_worker(open_files: usize, limits: Limits) -> usize {
    let others = OTHER_FILES + limits.store_files + FILES_OF_A_WORKER * limits.workers;
    let connections = open_files.saturating_sub(others).min(MAX_CONNECTIONS);
    (connections / limits.workers).max(1)
}

/// How many files this process may have open (`ulimit -n`).
fn open_files() -> usize {
    fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(soft_limit).unwrap_or(USUAL_FILES)
}

fn soft_limit(limits: &str) -> Option<usize> {
    let values = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match values.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_rest_of_the_service() {
        let limits = |workers| Limits { workers, keep_alive: Duration::from_secs(75), store_files: 20 };
        assert_eq!(connections_of_a_worker(1_024, limits(2)), 462);
        assert_eq!(connections_of_a_worker(usize::MAX, limits(4)), 5_000);
        assert_eq!(connections_of_a_worker(64, limits(4)), 1);
    }

    #[test]
    fn the_limit_in_force_is_the_soft_one() {
        let line = |soft| format!("Limit  Soft Limit  Hard Limit\nMax open files  {soft}  524288  files\n");
        assert_eq!(soft_limit(&line("1024")), Some(1_024));
        assert_eq!(soft_limit(&line("unlimited")), Some(usize::MAX));
        assert_eq!(soft_limit("nonsense"), None);
    }
}
