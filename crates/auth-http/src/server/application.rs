//! Starts and stops the server, and wraps every request in the middleware that all routes share.

use std::io::{self, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::time::Duration;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use anyhow::Context as _;
use auth_infra::service::Service;
use auth_infra::store::EndedSessions;
use auth_infra::system::SystemRandom;
use socket2::{Domain, Socket, Type};

use super::connections::{self, AddressLimit, Limits};
use super::cors::{cors, explain_refusals};
use super::host::require_valid_host;
use super::observer::Observer;
use super::public_documents::open_to_all_origins;
use super::signals;
use super::surplus::refuse_surplus;
use crate::dialects::Router;
use crate::settings::{ListenAddress, Settings};
use crate::system_routes::{StaticFile, SystemRoutes, api_reference, front_page};
use crate::wiring;

/// Length of the listener's queue of connections that are not accepted yet.
const BACKLOG: i32 = 1024;
/// Bytes of the send buffer of a connection. Linux counts twice as many, because it includes its own records.
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes that the system takes before it has sent them. It reports progress in steps of half as many, so the deadline for
/// progress needs a small figure.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;
/// The time after which the system closes a connection that takes no byte. It also applies to answers that fit into the
/// send buffer, and to the rest of a connection that this process has closed.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// The connection on which PostgreSQL publishes revocations; it is not part of the pool.
const LISTENER_CONNECTIONS: usize = 1;

/// Serves until the process receives `SIGINT`, `SIGTERM` or `SIGHUP`, then answers the active requests and returns.
///
/// # Errors
/// When the service cannot start.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listener =
        listen(&settings.listen).with_context(|| format!("cannot listen on {}", settings.listen))?;
    let settings = settings.bound_to(listener.local_addr()?.port());
    let opened = wiring::service(&settings).open()?;
    if let Some(warning) = settings.signing_key_warning(opened.keys().newest_algorithm()) {
        tracing::warn!("{warning}");
    }
    let service = Arc::new(opened.start().await?);
    let served = answer_requests(&settings, listener, &service).await;
    service.close().await;
    served?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves until a signal stops the server and the active requests are answered.
async fn answer_requests(
    settings: &Settings,
    listener: TcpListener,
    service: &Arc<Service>,
) -> anyhow::Result<()> {
    let router = Arc::new(wiring::router(settings, service.auth()));
    let dialects = Arc::clone(&router);
    let ended_sessions = settings.has_ended_sessions.then(|| service.ended_sessions().clone());
    let system_routes = SystemRoutes {
        service: Arc::clone(service),
        ended_sessions: ended_sessions.clone(),
        issuer: settings.public_url.clone(),
        files: static_files(settings, &router).into(),
    };
    let observer =
        Observer::new(settings.trusted_proxies.clone(), settings.public_url.is_https(), &SystemRandom);
    let observer = Arc::new(observer);
    let limits = Limits {
        workers: settings.workers,
        keep_alive: settings.keep_alive,
        store_files: settings.max_connections as usize + LISTENER_CONNECTIONS,
        by_address: address_limit(settings),
        proxies: settings.trusted_proxies.clone(),
    };
    let server = connections::serve(listener, limits, move || {
        app(&observer, &dialects)
            .configure(|app| system_routes.configure(app))
            .configure(|app| dialects.configure(app))
    })?;
    stop_on_signal(server.handle(), ended_sessions)?;
    if let Err(error) = print_welcome(settings, &router, service.has_current_schema()) {
        // The output is for a person at a terminal. A closed pipe or a full disk is no reason not to serve.
        tracing::warn!(%error, "the greeting cannot be written to standard output");
    }
    Ok(server.await?)
}

/// An app without routes. The observer is the outermost layer, so that it also numbers and logs the answers that
/// `cors` gives by itself. `router` renders the requests with an invalid host and the preflights that CORS refuses.
pub fn app(
    observer: &Arc<Observer>,
    router: &Arc<Router>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let (observer, cors) = (Arc::clone(observer), cors(router));
    let (router, hosts, surplus) = (Arc::clone(router), Arc::clone(router), Arc::clone(router));
    App::new()
        .wrap(from_fn(move |request, next| {
            let router = Arc::clone(&surplus);
            async move { refuse_surplus(&router, request, next).await }
        }))
        .wrap(cors)
        .wrap(from_fn(move |request, next| {
            let router = Arc::clone(&router);
            async move { explain_refusals(&router, request, next).await }
        }))
        .wrap(from_fn(open_to_all_origins))
        .wrap(from_fn(move |request, next| {
            let router = Arc::clone(&hosts);
            async move { require_valid_host(&router, request, next).await }
        }))
        .wrap(from_fn(move |request, next| {
            let observer = Arc::clone(&observer);
            async move { observer.observe(request, next).await }
        }))
}

/// The pages and, if they are enabled, the OpenAPI documents, with every file that they load.
fn static_files(settings: &Settings, router: &Router) -> Vec<StaticFile> {
    let front_page = front_page::files(router, settings.has_docs);
    if !settings.has_docs {
        return front_page;
    }
    let documents = router.dialects().filter_map(|mounted| {
        Some((mounted.dialect.profile().name, wiring::openapi(settings, mounted.dialect)?))
    });
    [front_page, api_reference::files(documents.collect())].concat()
}

fn address_limit(settings: &Settings) -> AddressLimit {
    match settings.connections_per_address {
        Some(connections) => AddressLimit::Connections(connections),
        None if settings.rate_limit => AddressLimit::Default,
        None => AddressLimit::Off,
    }
}

fn listen(address: &ListenAddress) -> io::Result<TcpListener> {
    let address = address.resolve()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without this option a restart fails while connections of the previous process are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    bound_unread_answers(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Bounds what the system buffers for a client that does not read. The connections inherit these options.
fn bound_unread_answers(socket: &Socket) -> io::Result<()> {
    socket.set_send_buffer_size(SEND_BUFFER)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    }
    Ok(())
}

fn stop_on_signal(server: ServerHandle, ended_sessions: Option<EndedSessions>) -> io::Result<()> {
    let stop = signals::stop()?;
    actix_web::rt::spawn(async move {
        stop.await;
        tracing::info!("stopping: requests under way are answered first");
        if let Some(feed) = ended_sessions {
            feed.stop_waiting();
        }
        server.stop(true).await;
    });
    Ok(())
}

/// Prints on standard output where the service listens and how to try it.
fn print_welcome(settings: &Settings, router: &Router, is_available: bool) -> io::Result<()> {
    let base = format!("http://{}", settings.listen);
    let mut out = io::stdout().lock();
    writeln!(out, "auth-http {} serves on {base}", env!("CARGO_PKG_VERSION"))?;
    let state = if is_available {
        ""
    } else {
        ", unavailable: requests that need it are answered 503 until it is back"
    };
    writeln!(out, "  store: {}{state}", settings.database_url)?;
    writeln!(out, "  signing keys: {}", settings.keys_dir.display())?;
    for mounted in router.dialects() {
        writeln!(out, "  {}: {base}{}", mounted.dialect.profile().name, mounted.context.terms.prefix)?;
    }
    if settings.has_docs {
        writeln!(out, "  API reference: {base}/docs")?;
    }
    let sample = router.dialects().find_map(|mounted| Some((mounted, mounted.dialect.profile().sample?)));
    if let Some((mounted, (path, body))) = sample {
        let url = format!("{base}{}{path}", mounted.context.terms.prefix);
        writeln!(out, "\nTry it:")?;
        writeln!(out, "  curl -i {url} -H 'Content-Type: application/json' \\\n    -d '{body}'")?;
    }
    writeln!(out, "\nCtrl-C answers what is under way and stops.")?;
    out.flush()
}
