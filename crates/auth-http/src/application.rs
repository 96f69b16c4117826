//! The service: from its settings to its end.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::task::JoinHandle;
use anyhow::Context as _;
use auth_domain::Auth;
use auth_domain::ports::PortError;
use auth_infra::store::Store;
use auth_infra::system::SystemRandom;
use auth_infra::token::KeyRing;
use socket2::{Domain, Socket, Type};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, sleep};

use crate::api_reference;
use crate::beside::Beside;
use crate::connections::{self, Limits};
use crate::cors::{cors, refuse_in_words_of};
use crate::dialects::Router;
use crate::failure::Failure;
use crate::file::File;
use crate::front_page;
use crate::observe::Observer;
use crate::origin::CorsOrigins;
use crate::readiness::Readiness;
use crate::settings::Settings;
use crate::wiring;

/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// How often the directory of keys is looked at.
const KEYS_INTERVAL: Duration = Duration::from_secs(1);
/// How often what is over is deleted, sessions, counters and audit events, and how many at a time.
const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);
const PURGE_BATCH: u32 = 500;
/// The connection that follows what sessions end.
const WATCHING: usize = 1;

/// Serves until it is told to stop by `SIGINT` or `SIGTERM`; requests under way are answered first.
///
/// # Errors
/// When the service cannot start.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listener =
        listen(settings.listen).with_context(|| format!("cannot listen on {}", settings.listen))?;
    let settings = settings.bound_to(listener.local_addr()?);
    let wired = wiring::open(&settings)?;
    let (auth, keys) = (wired.auth.clone(), Arc::clone(&wired.keys));
    let readiness = Arc::new(Readiness::new(wired.store.clone()));
    readiness.migrate().await.context("cannot bring the store's schema up to date")?;
    let watch = look_after(&readiness, &wired.store, &keys, &auth);

    let router = Arc::new(wiring::router(&settings, &auth));
    let dialects = Arc::clone(&router);
    let beside = Beside { readiness, keys, files: files(&settings, &router).into() };
    let trusted = settings.trusted_proxies.clone();
    let observer = Arc::new(Observer::new(trusted, settings.public_url.is_https(), &SystemRandom));
    let origins = settings.cors_origins.clone();
    let limits = Limits {
        workers: settings.http.workers,
        keep_alive: settings.http.keep_alive,
        store_files: settings.database.max_connections as usize + WATCHING,
    };
    let server = connections::serve(listener, limits, move || {
        app(&observer, &origins, &dialects)
            .configure(|app| beside.configure(app))
            .configure(|app| dialects.configure(app))
    })?;
    stop_when_told(server.handle())?;
    greet(&settings, &router)?;
    server.await?;
    wired.close().await;
    // It lets go of its connection while there is a runtime to do so in.
    watch.await?;
    tracing::info!("stopped");
    Ok(())
}

/// The pages and the documents, with all that they load.
#[must_use]
pub fn files(settings: &Settings, router: &Router) -> Vec<File> {
    let documents = router.dialects().filter_map(|mounted| {
        Some((mounted.dialect.profile().name, wiring::openapi(settings, mounted.dialect)?))
    });
    [front_page::files(router), api_reference::files(documents.collect())].concat()
}

/// An app without anything in it: what happens to every request and every answer, whoever answers. The observer is
/// outermost, so that it sees what [`cors`] answers by itself, too; what that refuses, `router` words.
pub fn app(
    observer: &Arc<Observer>,
    origins: &CorsOrigins,
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
    let (observer, router) = (Arc::clone(observer), Arc::clone(router));
    App::new()
        .wrap(cors(origins))
        .wrap(from_fn(move |request, next| {
            let router = Arc::clone(&router);
            async move { refuse_in_words_of(&router, request, next).await }
        }))
        .wrap(from_fn(move |request, next| {
            let observer = Arc::clone(&observer);
            async move { observer.observe(request, next).await }
        }))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Starts what goes on beside the requests. It ends with the service, and the watch, which is given back, with the store.
fn look_after(readiness: &Arc<Readiness>, store: &Store, keys: &Arc<KeyRing>, auth: &Auth) -> JoinHandle<()> {
    let readiness = Arc::clone(readiness);
    actix_web::rt::spawn(async move { readiness.migrate_when_back().await });
    let store = store.clone();
    let watch = actix_web::rt::spawn(async move { store.sync_revocations().await });
    let keys = Arc::clone(keys);
    actix_web::rt::spawn(async move {
        loop {
            sleep(KEYS_INTERVAL).await;
            keys.reload_if_changed();
        }
    });
    let auth = auth.clone();
    actix_web::rt::spawn(async move {
        let mut hourly = interval(PURGE_INTERVAL);
        loop {
            hourly.tick().await;
            purge(async || auth.purge_sessions(PURGE_BATCH).await).await;
            purge(async || auth.purge_audit_events(PURGE_BATCH).await).await;
            purge(async || auth.purge_attempts(PURGE_BATCH).await).await;
        }
    });
    watch
}

/// Deletes what is over in batches, so that no writer has to wait for long.
async fn purge(batch: impl AsyncFn() -> Result<u64, PortError>) {
    loop {
        match batch().await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return Failure::from(error).log(),
        }
    }
}

fn stop_when_told(server: ServerHandle) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    actix_web::rt::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: requests under way are answered first");
        server.stop(true).await;
    });
    Ok(())
}

/// Says on standard output where the service is and how to try it.
fn greet(settings: &Settings, router: &Router) -> io::Result<()> {
    let base = format!("http://{}", settings.listen);
    let mut out = io::stdout().lock();
    writeln!(out, "auth-http {} serves on {base}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  store: {}", settings.database.url)?;
    writeln!(out, "  signing keys: {}", settings.keys_dir.display())?;
    for mounted in router.dialects() {
        writeln!(out, "  {}: {base}{}", mounted.dialect.profile().name, mounted.context.prefix)?;
    }
    writeln!(out, "  API reference: {base}/docs")?;
    let sample = router.dialects().find_map(|mounted| Some((mounted, mounted.dialect.profile().sample?)));
    if let Some((mounted, (path, body))) = sample {
        writeln!(out, "\nTry it:")?;
        writeln!(
            out,
            "  curl -i {base}{}{path} -H 'Content-Type: application/json' \\",
            mounted.context.prefix
        )?;
        writeln!(out, "    -d '{body}'")?;
    }
    writeln!(out, "\nCtrl-C answers what is under way and stops.")?;
    out.flush()
}
