//! Connections: how many a server and a client may have, and what each one may use.
//!
//! By default, actix bounds the time for the first request head of a connection, and the idle time after an answer. It
//! does not bound any later head: its first byte ends the keep-alive timer, and no other timer starts. It does not bound
//! the time in which a client takes an answer either. It copies each piece of a body into its buffer as a whole, however
//! large, and decodes all requests that a client has sent ahead. A client that sends one byte now and then, or reads
//! nothing, keeps its connection without limit. A thousand such connections use up the files that a process may usually
//! open.
//!
//! This module therefore wraps each stream in a [`ConnectionStream`], and [`AnswerBody`](super::answer_body::AnswerBody)
//! divides the bodies. `HttpServer` offers no place for such a wrapper, so the server is built from [`actix_server`] and
//! [`actix_http`]. A wrapped stream costs a timer and no file descriptor.

mod admission;
mod phase;
mod stream;
mod write_progress;

use std::fs;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::rt::net::TcpStream;
use tokio::time::Instant;

use crate::origin::TrustedProxies;

use admission::Admissions;
use phase::{ConnectionState, Phase};
use stream::ConnectionStream;

pub(super) use admission::AddressLimit;
pub(crate) use phase::BodyReception;
pub(super) use phase::{ActiveRequest, is_surplus};

/// Time for the first request head of a connection.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// Time for a refused client to close its connection.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// Time for active requests after the server was asked to stop, in seconds.
const DRAIN_SECONDS: u64 = 30;
/// Time for the request of a connection that exceeds the limits.
const SURPLUS_DEADLINE: Duration = Duration::from_secs(1);
/// Bytes that actix buffers before it writes them. A slice of a body can be added, so a connection buffers 32 KiB.
const WRITE_BUFFER: usize = 16 * 1024;
/// Upper bound of all connections, even if more files may be open: each has 16 to 48 KiB of buffers.
const MAX_CONNECTIONS: usize = 20_000;
/// With fewer connections than this, a few clients can use up all of them.
const FEW_CONNECTIONS: usize = 256;
/// Files for everything but connections and workers: the store's, the keys, the log.
const OTHER_FILES: usize = 64;
const FILES_PER_WORKER: usize = 8;
/// The limit of open files if the system does not report one.
const DEFAULT_OPEN_FILES: usize = 1_024;

/// The resources of a server.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Threads that serve requests.
    pub(super) workers: usize,
    /// Time from an answer to the next complete request head.
    pub(super) keep_alive: Duration,
    /// Files to reserve for the store.
    pub(super) store_files: usize,
    /// Connections of one client address.
    pub(super) by_address: AddressLimit,
    /// The proxies, whose addresses have the connections of many clients.
    pub(super) proxies: TrustedProxies,
}

/// Serves HTTP/1.1 on `listener` until the server is stopped. Each worker serves an app that `app` builds.
///
/// # Errors
/// When the listener cannot be used.
pub(super) fn serve<T, B>(
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
    let Limits { workers, keep_alive, .. } = limits;
    let per_worker = connections_per_worker(open_files(), &limits);
    let total = per_worker * workers;
    if total < FEW_CONNECTIONS {
        tracing::warn!(total, "few connections: raise the limit of open files (ulimit -n)");
    }
    let admissions = Admissions::new(total, limits.by_address, limits.proxies);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(per_worker)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let shutdown = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let (shutdown, admissions) = (shutdown.clone(), Arc::clone(&admissions));
        let http = HttpService::build()
            .client_request_timeout(HEAD_DEADLINE)
            .client_disconnect_timeout(DISCONNECT_DEADLINE)
            // The stream itself ends when it is idle for too long, so actix needs no keep-alive timer of its own.
            .keep_alive(KeepAlive::Os)
            .h1_write_buffer_size(WRITE_BUFFER)
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            // Makes the state available to `ActiveRequest::mark`, which finds it in the data of the connection.
            .on_connect_ext(|stream: &ConnectionStream<TcpStream>, data| {
                data.insert(Rc::clone(stream.state()));
            })
            .h1(map_config(app(), |()| AppConfig::default()));
        fn_service(move |stream| ready(accept(stream, &admissions, keep_alive))).and_then(http)
    })?;
    Ok(builder.run())
}

/// Wraps a new connection, or closes it if its client has too many. A client that has already reset it has no address by
/// which its requests could be limited.
fn accept(
    stream: TcpStream,
    admissions: &Arc<Admissions>,
    keep_alive: Duration,
) -> Result<(ConnectionStream<TcpStream>, Option<SocketAddr>), DispatchError> {
    let peer = stream.peer_addr().map_err(DispatchError::Io)?;
    let refused = || DispatchError::Io(io::ErrorKind::ConnectionRefused.into());
    let admission = admissions.admit(peer.ip()).ok_or_else(refused)?;
    let (phase, idle_limit) = if admission.is_surplus() {
        (Phase::Idle(Instant::now()), SURPLUS_DEADLINE)
    } else {
        (Phase::New, keep_alive)
    };
    let state = ConnectionState::new(phase, Some(admission));
    Ok((ConnectionStream::new(stream, state, idle_limit), Some(peer)))
}

/// Connections per worker, bounded so that the process never runs out of files. Further clients wait in the listener's
/// queue, and the store and the keys can still open their files.
fn connections_per_worker(open_files: usize, limits: &Limits) -> usize {
    let others = OTHER_FILES + limits.store_files + FILES_PER_WORKER * limits.workers;
    let connections = open_files.saturating_sub(others).min(MAX_CONNECTIONS);
    (connections / limits.workers).max(1)
}

/// The number of files that this process may have open (`ulimit -n`).
fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").ok();
    limits.as_deref().and_then(soft_limit).unwrap_or(DEFAULT_OPEN_FILES)
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
        for (open_files, workers, expected) in [(1_024, 2, 462), (usize::MAX, 4, 5_000), (64, 4, 1)] {
            let limits = Limits {
                workers,
                keep_alive: Duration::from_secs(75),
                store_files: 20,
                by_address: AddressLimit::Default,
                proxies: TrustedProxies::default(),
            };
            assert_eq!(connections_per_worker(open_files, &limits), expected);
        }
    }

    #[test]
    fn soft_limit_of_open_files_is_read() {
        for (soft, expected) in [("1024", 1_024), ("unlimited", usize::MAX)] {
            let limits = format!("Limit  Soft Limit  Hard Limit\nMax open files  {soft}  524288  files\n");
            assert_eq!(soft_limit(&limits), Some(expected));
        }
        assert_eq!(soft_limit("nonsense"), None);
    }
}
