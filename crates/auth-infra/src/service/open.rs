//! A service without background tasks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::Client;
use auth_domain::ports::AttemptLimiter;
use auth_domain::{Auth, Ports};
use tokio::runtime::Handle;

use super::builder::ServiceBuilder;
use super::error::StartError;
use super::running::Service;
use super::tasks::Tasks;
#[cfg(feature = "sqlite")]
use crate::attempts::MemoryAttempts;
use crate::attempts::NoLimits;
use crate::audit::AuditQueue;
use crate::password::Argon2Hasher;
use crate::store::{Store, StoreError};
use crate::system::{SystemClock, SystemRandom, SystemTimer};
use crate::token::{JwtCodec, JwtSettings, KeyRing};

/// How long a drop without [`OpenService::close`] waits for calls that still use the store. They may run on the very thread
/// that waits.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// An open store with its signing keys and use cases, without background tasks. [`ServiceBuilder::open`] opens it for a
/// command of an operator, such as one that creates a user.
pub struct OpenService {
    auth: Auth,
    /// The first client of the builder.
    pub(super) client: Client,
    pub(super) store: Store,
    pub(super) keys: Arc<KeyRing>,
    audit: Arc<AuditQueue>,
    pub(super) tasks: Tasks,
    pub(super) jwks_max_age: Duration,
    /// The SQLite file.
    pub(super) file: Option<PathBuf>,
    is_closed: tokio::sync::Mutex<bool>,
}

impl OpenService {
    pub(super) fn open(builder: ServiceBuilder) -> Result<Self, StartError> {
        Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let tokens = tokens(&builder)?;
        let client = builder.clients.first().cloned().ok_or(StartError::NoClient)?;
        builder.create_data_dir()?;
        let store = builder.open_store()?;
        let keys = Arc::new(builder.open_keys()?);
        let hasher = Argon2Hasher::start(&builder.hashing, Arc::new(SystemRandom))?;
        let tasks = Tasks::default();
        let audit = Arc::new(AuditQueue::new(store.audit_events(), Arc::new(SystemClock)));
        let queue = Arc::clone(&audit);
        tasks.spawn("audit queue", move |_| {
            let queue = Arc::clone(&queue);
            // It ends when the queue is closed.
            async move { queue.store_events().await }
        });
        let ports = Ports {
            users: store.users(),
            sessions: store.sessions(),
            revocations: store.revocations(),
            api_keys: store.api_keys(),
            audit: audit.clone(),
            audit_events: store.audit_events(),
            attempts: attempts(&store, builder.has_attempt_limits),
            hasher: Arc::new(hasher),
            tokens: Arc::new(JwtCodec::new(Arc::clone(&keys), tokens)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            timer: Arc::new(SystemTimer),
        };
        let auth = Auth::new(ports, builder.effective_policy());
        Ok(Self {
            auth: builder.extensions.into_iter().fold(auth, |auth, extend| extend(auth)),
            client,
            store,
            keys,
            audit,
            tasks,
            jwks_max_age: builder.jwks_max_age,
            file: builder.store.file().map(Into::into),
            is_closed: tokio::sync::Mutex::default(),
        })
    }

    /// The use cases. Clones share their state.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// The signing keys.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// Brings the schema of the store up to date.
    ///
    /// # Errors
    /// If the store is unavailable, or its schema cannot be brought up to date. Then nothing changes.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.store.migrate().await
    }

    /// Brings the schema up to date and starts the background tasks, as [`ServiceBuilder::start`] does.
    ///
    /// # Errors
    /// If the store is available and its schema cannot be brought up to date.
    pub async fn start(self) -> Result<Service, StartError> {
        Service::start(self).await
    }

    /// Stores the audit events that wait and closes the store. For an unavailable store it waits a few seconds.
    ///
    /// Later calls of use cases fail. Calling `close` again does nothing.
    pub async fn close(&self) {
        let mut is_closed = self.is_closed.lock().await;
        if *is_closed {
            return;
        }
        self.tasks.stop();
        close_store(&self.store, &self.audit).await;
        self.tasks.join().await;
        *is_closed = true;
    }
}

/// Stores the queued audit events, then closes the store. Runtimes that used the store may have ended.
async fn close_store(store: &Store, audit: &AuditQueue) {
    store.discard_idle_connections();
    audit.close().await;
    store.close().await;
}

impl Drop for OpenService {
    /// Does the work of `close`, if it was not called. This blocks the thread for up to five seconds if the store is unavailable.
    fn drop(&mut self) {
        if *self.is_closed.get_mut() {
            return;
        }
        tracing::warn!(
            "the service was dropped without close: audit events of the last moments may be lost, and calls in progress fail"
        );
        // Otherwise a task could hold the lock of a SQLite file, and this may be the only thread that could run it.
        self.tasks.cancel();
        let (store, audit) = (self.store.clone(), Arc::clone(&self.audit));
        // The current runtime cannot be waited for: this may be its only thread, or it may be ending.
        let closing = std::thread::Builder::new().name("service-drop".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                store.discard_idle_connections();
                audit.close().await;
                let _ = tokio::time::timeout(DROP_TIMEOUT, store.close()).await;
            });
            Ok::<_, std::io::Error>(())
        });
        let closed = closing.map(std::thread::JoinHandle::join);
        if !matches!(closed, Ok(Ok(Ok(())))) {
            tracing::error!("the service cannot be closed: audit events of the last moments are lost");
        }
    }
}

fn tokens(builder: &ServiceBuilder) -> Result<JwtSettings, StartError> {
    let issuer = builder.issuer.clone().ok_or(StartError::NoIssuer)?;
    if !is_issuer(&issuer) {
        return Err(StartError::InvalidIssuer(issuer));
    }
    let audience = builder.audience.clone().unwrap_or_else(|| issuer.clone());
    Ok(JwtSettings { issuer, audience })
}

/// Whether a text is a URL without query and fragment (RFC 8414, section 2).
fn is_issuer(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && rest.chars().all(|character| character.is_ascii_graphic() && !"?#\"\\<>@".contains(character))
    })
}

/// The attempt limiter. Nodes on PostgreSQL share their counters; a single node on SQLite counts in memory.
fn attempts(store: &Store, has_limits: bool) -> Arc<dyn AttemptLimiter> {
    match store {
        _ if !has_limits => Arc::new(NoLimits),
        #[cfg(feature = "sqlite")]
        Store::Sqlite(_) => Arc::new(MemoryAttempts::new()),
        #[cfg(feature = "postgres")]
        Store::Postgres(store) => Arc::new(store.clone()),
    }
}
