//! Connects the adapters to the ports of the domain. No other module knows both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::{Blocklist, Client, ClientId};
use auth_domain::policy::Policy;
use auth_domain::ports::AttemptLimiter;
use auth_domain::{Auth, Ports};
use auth_infra::attempts::{MemoryAttempts, NoLimits};
use auth_infra::audit::AuditQueue;
use auth_infra::password::{Argon2Hasher, HashingSettings};
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::{EndedSessions, Store, StoreError};
use auth_infra::strict_modes::{StrictModes, UnsafePath};
use auth_infra::system::{SystemClock, SystemRandom, SystemTimer};
use auth_infra::token::{
    JwtCodec, JwtSettings, KeyFileError, KeyRing, TokenLifetimes, create_private_directory,
};

use crate::dialects::{self, Context, Dialect, MountedDialect, Profile, PublicTerms, Router};
use crate::openapi;
use crate::settings::{DatabaseUrl, DialectSettings, Settings, SettingsError, Source, Sources, reference};
use crate::web_origin::OriginPolicy;

/// The use cases, and the adapters that need to be started, watched or closed.
pub struct Service {
    pub auth: Auth,
    pub store: Store,
    pub keys: Arc<KeyRing>,
    audit: Arc<AuditQueue>,
}

impl Service {
    /// Stores the queued audit events, then closes the store. No worker of a server may run any more.
    pub async fn close(&self) {
        self.store.discard_idle_connections();
        self.audit.close().await;
        self.store.close().await;
    }
}

/// Opens the store and the keys, and creates missing directories. It does not migrate the store's schema.
///
/// # Errors
/// When the store or the keys cannot be opened.
pub fn open(settings: &Settings) -> anyhow::Result<Service> {
    create_data_dir(settings)?;
    let store = open_store(settings)?;
    let keys = Arc::new(open_keys(settings)?);
    let audit = Arc::new(AuditQueue::start(store.audit_events(), Arc::new(SystemClock)));
    let ports = Ports {
        users: store.users(),
        sessions: store.sessions(),
        revocations: store.revocations(),
        api_keys: store.api_keys(),
        audit: audit.clone(),
        audit_events: store.audit_events(),
        attempts: attempts(settings, &store),
        hasher: Arc::new(Argon2Hasher::start(&settings.hashing, Arc::new(SystemRandom))?),
        tokens: Arc::new(JwtCodec::new(Arc::clone(&keys), tokens(settings))),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        timer: Arc::new(SystemTimer),
    };
    Ok(Service { auth: Auth::new(ports, policy(settings)), store, keys, audit })
}

/// Reads the settings of a service that has every dialect.
///
/// # Errors
/// As [`Settings::load`], and when two dialects would answer at one path.
pub fn load_settings(sources: &Sources) -> Result<Settings, SettingsError> {
    let settings = Settings::load(sources, documented_dialects())?;
    let shared = shared_path(&settings).map(|(one, other, path)| settings.shared_path(one, other, &path));
    shared.map_or(Ok(settings), Err)
}

/// Two enabled dialects, and a path of both that their documents do not share. The router could not choose between them.
fn shared_path(settings: &Settings) -> Option<(&DialectSettings, &DialectSettings, String)> {
    let enabled = |dialect: &&'static dyn Dialect| {
        let set = settings.dialect(dialect.profile().name).filter(|set| set.enabled)?;
        Some(dialect.routes().iter().map(move |route| (set, route)))
    };
    let routes: Vec<_> = dialects::ALL.iter().filter_map(enabled).flatten().collect();
    let pairs = routes
        .iter()
        .enumerate()
        .flat_map(|(index, one)| routes[..index].iter().map(move |other| (one, other)));
    pairs.into_iter().find_map(|((one, route), (other, same))| {
        let path = format!("{}{}", one.prefix, route.path);
        let is_shared = route.method == same.method && path == format!("{}{}", other.prefix, same.path);
        let [documented, others] = [(one, route), (other, same)]
            .map(|(set, route)| format!("{}{}", set.documented_prefix, route.path));
        (is_shared && documented != others).then_some((*one, *other, path))
    })
}

/// The default settings of a service that has every dialect.
#[must_use]
pub fn default_settings() -> Settings {
    Settings::defaults(documented_dialects())
}

/// The reference page of the settings, `docs/configuration.md`.
#[must_use]
pub fn settings_reference() -> String {
    reference(documented_dialects())
}

fn documented_dialects() -> Vec<DialectSettings> {
    let profiles = dialects::ALL.iter().map(|dialect| dialect.profile());
    profiles.map(|profile| DialectSettings::documented(profile.name, profile.prefix)).collect()
}

/// The rules of the settings.
#[must_use]
pub fn policy(settings: &Settings) -> Policy {
    let mut policy = settings.policy.clone();
    policy.registration.default_roles = settings.default_roles.clone();
    policy.registration.self_assignable_roles = settings.self_assignable_roles.clone();
    let enabled = settings.dialects.iter().filter(|set| set.enabled);
    policy.clients = Some(enabled.map(|set| ClientId::from_static(set.name)).collect());
    policy.attempts.refusal_time = refusal_time(settings);
    policy.passwords.min_length = min_password_length(settings);
    policy.passwords.blocklist = settings.refuse_common_passwords.then(Blocklist::common);
    policy
}

/// The smallest minimum of the enabled dialects. Each demands its own before the use case.
fn min_password_length(settings: &Settings) -> usize {
    let enabled = dialects::ALL
        .iter()
        .map(|dialect| dialect.profile())
        .filter(|profile| settings.dialect(profile.name).is_some_and(|set| set.enabled));
    let minima = enabled.map(|profile| settings.min_password_length_or(profile.min_password_length));
    minima.min().unwrap_or_default().0
}

/// The time of a refusal grows with the cost of a hash, which it hides. It must end before the deadline of an answer.
fn refusal_time(settings: &Settings) -> Duration {
    const MAX_REFUSAL_TIME: Duration = Duration::from_secs(2);
    let cost = |hashing: &HashingSettings| u64::from(hashing.memory_kib) * u64::from(hashing.iterations);
    let factor = cost(&settings.hashing).div_ceil(cost(&HashingSettings::default()));
    let factor = u32::try_from(factor).unwrap_or(u32::MAX);
    settings.policy.attempts.refusal_time.saturating_mul(factor).min(MAX_REFUSAL_TIME)
}

/// Creates the data directory, accessible to its owner only, unless it exists.
///
/// # Errors
/// When it cannot be created, or when another account may alter the existing one.
pub fn create_data_dir(settings: &Settings) -> Result<(), KeyFileError> {
    if create_private_directory(&settings.data_dir)? & 0o077 != 0 {
        let path = settings.data_dir.display();
        tracing::warn!(%path, "other users of this machine can read the data directory: chmod 700 it");
    }
    Ok(())
}

/// The store of the settings. It connects on first use.
///
/// # Errors
/// When the store rejects the settings.
pub fn open_store(settings: &Settings) -> Result<Store, StoreError> {
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            check_sqlite_file(path).map_err(|error| StoreError::Settings(error.to_string()))?;
            SqliteStore::connect(&SqliteSettings::new(path)).map(Store::from)
        }
        url @ DatabaseUrl::Postgres(_) => {
            let settings = PostgresSettings { url: url.expose(), max_connections: settings.max_connections };
            PostgresStore::connect(&settings).map(Store::from)
        }
    }
}

/// Checks that only the account of the service and root may alter a SQLite file, or its directory while it does not exist.
///
/// # Errors
/// If another account may, or if the file system cannot be read.
pub fn check_sqlite_file(path: &Path) -> Result<(), UnsafePath> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for name in [path.to_owned(), sibling(path, "-wal"), sibling(path, "-shm")] {
        if name.exists() {
            StrictModes::of_process().check(&name)?;
        }
    }
    if directory.exists() { StrictModes::of_process().check(directory) } else { Ok(()) }
}

/// A file that SQLite keeps next to its own.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The attempt limiter. Nodes on PostgreSQL share their counters; a single node on SQLite counts in memory.
fn attempts(settings: &Settings, store: &Store) -> Arc<dyn AttemptLimiter> {
    match store {
        _ if !settings.rate_limit => Arc::new(NoLimits),
        Store::Sqlite(_) => Arc::new(MemoryAttempts::new()),
        Store::Postgres(store) => Arc::new(store.clone()),
    }
}

/// The signing keys in the directory of the settings. An empty directory gets its first key.
///
/// # Errors
/// When a key cannot be read or created.
pub fn open_keys(settings: &Settings) -> Result<KeyRing, KeyFileError> {
    let terms = key_terms(settings);
    KeyRing::open(
        &settings.keys_dir,
        settings.algorithm,
        terms,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    )
}

/// How long signatures must stay verifiable: the longest lifetime of all dialects, enabled or not.
fn key_terms(settings: &Settings) -> TokenLifetimes {
    let documented = dialects::ALL.iter().map(|dialect| dialect.profile().access_lifetime);
    let lifetimes = documented.map(|documented| settings.access_lifetime_or(documented));
    TokenLifetimes {
        access: lifetimes.max().unwrap_or_default(),
        renewal: settings.policy.session.idle.min(settings.policy.session.absolute),
        leeway: settings.policy.token.leeway,
    }
}

/// The feed of ended sessions, if it is enabled.
#[must_use]
pub fn ended_sessions(settings: &Settings, store: &Store) -> Option<EndedSessions> {
    let TokenLifetimes { access, leeway, .. } = key_terms(settings);
    settings.has_ended_sessions.then(|| store.ended_sessions(Arc::new(SystemClock), access + leeway))
}

fn tokens(settings: &Settings) -> JwtSettings {
    JwtSettings { issuer: settings.public_url.as_str().to_owned(), audience: settings.audience.clone() }
}

/// The enabled dialects under their prefixes.
#[must_use]
pub fn router(settings: &Settings, auth: &Auth) -> Router {
    let origins = Arc::new(origin_policy(settings));
    let enabled = dialects::ALL.into_iter().filter_map(|dialect| {
        let set = settings.dialect(dialect.profile().name).filter(|set| set.enabled)?;
        Some(mounted_dialect(settings, auth, &origins, dialect, &set.prefix))
    });
    Router::new(enabled.collect(), Arc::clone(&origins))
}

/// Which pages may call the service.
#[must_use]
pub fn origin_policy(settings: &Settings) -> OriginPolicy {
    let Settings { public_url, cors_origins, cors_headers, .. } = settings;
    OriginPolicy::new(public_url.clone(), cors_origins.clone(), cors_headers.clone())
}

/// The settings of a dialect that its clients can observe.
#[must_use]
pub fn public_terms(settings: &Settings, profile: &Profile, prefix: &str) -> PublicTerms {
    PublicTerms {
        prefix: prefix.to_owned(),
        min_password_length: settings.min_password_length_or(profile.min_password_length),
        self_assignable_roles: settings.self_assignable_roles.clone(),
        public_url: settings.public_url.clone(),
    }
}

/// The OpenAPI document of a dialect as JSON, under its configured prefix. `None` for a dialect without settings.
#[must_use]
pub fn openapi(settings: &Settings, dialect: &dyn Dialect) -> Option<String> {
    let profile = dialect.profile();
    let terms = public_terms(settings, &profile, &settings.dialect(profile.name)?.prefix);
    let is_set = !matches!(settings.source("public_url"), Source::Default);
    openapi::to_json(&openapi::document(dialect, &terms, is_set.then_some(&settings.public_url)))
}

/// A dialect under a prefix, with the state of its handlers.
#[must_use]
pub fn mounted_dialect(
    settings: &Settings,
    auth: &Auth,
    origins: &Arc<OriginPolicy>,
    dialect: &'static dyn Dialect,
    prefix: &str,
) -> MountedDialect {
    let profile = dialect.profile();
    let client = Client::new(ClientId::from_static(profile.name), profile.refresh_style)
        .with_access_lifetime(settings.access_lifetime_or(profile.access_lifetime));
    let context = Context {
        auth: auth.clone(),
        client,
        terms: public_terms(settings, &profile, prefix),
        required_role: settings.required_role.clone(),
        origins: Arc::clone(origins),
        trusted_proxies: settings.trusted_proxies.clone(),
    };
    MountedDialect { dialect, context }
}
