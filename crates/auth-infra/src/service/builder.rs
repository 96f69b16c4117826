//! The settings of a service.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::Auth;
use auth_domain::model::Client;
use auth_domain::policy::Policy;

use super::error::StartError;
#[cfg(feature = "sqlite")]
use super::location::directory_of;
use super::location::{StoreSettings, create_data_dir};
use super::open::OpenService;
use super::running::Service;
use crate::password::HashingSettings;
#[cfg(feature = "postgres")]
use crate::postgres::PostgresSettings;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteSettings;
use crate::store::{Store, StoreError};
use crate::system::{SystemClock, SystemRandom};
use crate::token::{KeyAlgorithm, KeyFileError, KeyRing, TokenLifetimes};

/// How long verifiers may cache the key set if nothing else is set.
const JWKS_MAX_AGE: Duration = Duration::from_secs(300);

type Extension = Box<dyn FnOnce(Auth) -> Auth + Send>;

/// The settings of a [`Service`]: [`Service::sqlite`] and [`Service::postgres`] create it. Only
/// [`issuer`](Self::issuer) and [`client`](Self::client) have no default, and on PostgreSQL [`keys_dir`](Self::keys_dir).
///
/// Its `Debug` output contains no URL, because that may contain a password.
#[must_use = "a builder does nothing until start or open is called"]
pub struct ServiceBuilder {
    pub(super) store: StoreSettings,
    data_dir: Option<PathBuf>,
    keys_dir: Option<PathBuf>,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) clients: Vec<Client>,
    pub(super) policy: Policy,
    pub(super) hashing: HashingSettings,
    algorithm: KeyAlgorithm,
    pub(super) jwks_max_age: Duration,
    pub(super) has_attempt_limits: bool,
    pub(super) extensions: Vec<Extension>,
}

impl Service {
    /// A service on the SQLite file `auth.db` in this directory, for one process. Its signing keys are in `keys` there.
    ///
    /// The directory is created if it is missing, accessible to its owner only. If another account of the machine can write to
    /// it, the service does not start.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(data_dir: impl Into<PathBuf>) -> ServiceBuilder {
        let data_dir = data_dir.into();
        Self::sqlite_file(data_dir.join("auth.db"))
    }

    /// A service on this SQLite file. Its directory is the [data directory](ServiceBuilder::data_dir).
    #[cfg(feature = "sqlite")]
    pub fn sqlite_file(path: impl Into<PathBuf>) -> ServiceBuilder {
        let settings = SqliteSettings::new(path);
        let data_dir = directory_of(&settings.path).to_owned();
        ServiceBuilder::new(StoreSettings::Sqlite(settings)).data_dir(data_dir)
    }

    /// A service on PostgreSQL, for any number of processes: `postgres://user:password@host:port/database`, as for `psql`.
    ///
    /// It needs a directory for its signing keys: [`keys_dir`](ServiceBuilder::keys_dir).
    #[cfg(feature = "postgres")]
    pub fn postgres(url: impl Into<String>) -> ServiceBuilder {
        ServiceBuilder::new(StoreSettings::Postgres(PostgresSettings::new(url)))
    }
}

impl ServiceBuilder {
    fn new(store: StoreSettings) -> Self {
        Self {
            store,
            data_dir: None,
            keys_dir: None,
            issuer: None,
            audience: None,
            clients: Vec::new(),
            policy: Policy::default(),
            hashing: HashingSettings::default(),
            algorithm: KeyAlgorithm::default(),
            jwks_max_age: JWKS_MAX_AGE,
            has_attempt_limits: true,
            extensions: Vec::new(),
        }
    }

    /// Sets the public URL of the service, the `iss` claim of its tokens (RFC 7519, section 4.1.1): `https://auth.example.com`.
    ///
    /// It must not change: verifiers refuse tokens of another issuer.
    pub fn issuer(mut self, url: impl Into<String>) -> Self {
        self.issuer = Some(url.into());
        self
    }

    /// Sets what the access tokens give access to, their `aud` claim (RFC 7519, section 4.1.3). Default: the issuer.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds a client that tokens are issued to. Access tokens of other clients are refused, unless
    /// [`Policy::clients`] lists them.
    ///
    /// Signing keys verify for the longest lifetime of all clients. A client that is no longer in use therefore stays here
    /// until its last access token has expired.
    pub fn client(self, client: Client) -> Self {
        self.clients([client])
    }

    /// Adds several clients, as [`client`](Self::client) does.
    pub fn clients(mut self, clients: impl IntoIterator<Item = Client>) -> Self {
        self.clients.extend(clients);
        self
    }

    /// Sets the rules of sessions, passwords, attempts and audit events.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the cost of password hashes. Default: 19 MiB and 2 passes of Argon2id.
    pub fn hashing(mut self, settings: HashingSettings) -> Self {
        self.hashing = settings;
        self
    }

    /// Sets the directory for the files of the service, which is created if it is missing. The default of
    /// [`keys_dir`](Self::keys_dir) is `keys` in it.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Sets the directory of the signing keys, which is created if it is missing. An empty one gets its first key.
    ///
    /// The nodes of one PostgreSQL database need the same keys. Otherwise they refuse each other's tokens, and log a warning.
    pub fn keys_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.keys_dir = Some(path.into());
        self
    }

    /// Sets the algorithm of new signing keys. Existing keys keep theirs. Default: ES256.
    pub fn key_algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets how long verifiers may cache the key set. Default: 300 seconds.
    ///
    /// A new key must be published for longer before it signs ([`Rotation::After`](crate::token::Rotation::After)).
    pub fn jwks_max_age(mut self, max_age: Duration) -> Self {
        self.jwks_max_age = max_age;
        self
    }

    /// Sets whether attempts to log in, register and so on are limited, as [`Policy::attempts`] defines. Default: true.
    ///
    /// Without limits, passwords can be guessed as fast as the machine verifies them.
    pub fn attempt_limits(mut self, enabled: bool) -> Self {
        self.has_attempt_limits = enabled;
        self
    }

    /// Sets the maximum number of connections to the store. Default: 20 on PostgreSQL; on SQLite 5, one of which writes.
    pub fn max_connections(mut self, max_connections: u32) -> Self {
        self.store.set_max_connections(max_connections);
        self
    }

    /// Adds optional extensions to the [`Auth`] of the service, such as hooks: `.extend_auth(|auth| auth.with_hooks(hooks))`.
    pub fn extend_auth(mut self, extend: impl FnOnce(Auth) -> Auth + Send + 'static) -> Self {
        self.extensions.push(Box::new(extend));
        self
    }

    /// Opens the store and the keys, brings the schema up to date and starts the background tasks.
    ///
    /// A store that is unavailable is no error. The service starts, and its use cases fail with
    /// [`PortError::Unavailable`](auth_domain::ports::PortError::Unavailable). The schema is brought up to date when the store
    /// is back.
    ///
    /// # Errors
    /// [`StartError`] names the missing or invalid setting, or the part that cannot be opened.
    pub async fn start(self) -> Result<Service, StartError> {
        self.open()?.start().await
    }

    /// Opens the store and the keys without background tasks, for a command of an operator. The schema is left as it is.
    ///
    /// # Errors
    /// If a setting is missing or invalid, or if the keys or the store cannot be opened.
    pub fn open(self) -> Result<OpenService, StartError> {
        OpenService::open(self)
    }

    /// Opens the store alone, and creates nothing. It connects on first use.
    ///
    /// # Errors
    /// If the store rejects its settings, or another account of the machine may alter the SQLite file.
    pub fn open_store(&self) -> Result<Store, StoreError> {
        self.store.open()
    }

    /// Opens the signing keys alone. An empty directory gets its first key.
    ///
    /// # Errors
    /// If no directory is set, or a key cannot be read or created.
    pub fn open_keys(&self) -> Result<KeyRing, StartError> {
        let default = || self.data_dir.as_ref().map(|data_dir| data_dir.join("keys"));
        let directory = self.keys_dir.clone().or_else(default).ok_or(StartError::NoKeysDir)?;
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        Ok(KeyRing::open(&directory, self.algorithm, self.token_lifetimes(), clock, random)?)
    }

    /// Creates the data directory, accessible to its owner only, unless it exists or none is set.
    ///
    /// # Errors
    /// If it cannot be created, or another account may alter the existing one.
    pub fn create_data_dir(&self) -> Result<(), KeyFileError> {
        self.data_dir.as_deref().map_or(Ok(()), create_data_dir)
    }

    /// How long tokens may be in use. A superseded key is needed for as long.
    pub(super) fn token_lifetimes(&self) -> TokenLifetimes {
        TokenLifetimes {
            access: self.clients.iter().map(|client| client.access_lifetime).max().unwrap_or_default(),
            renewal: self.policy.session.idle.min(self.policy.session.absolute),
            leeway: self.policy.token.leeway,
        }
    }

    /// The policy, which accepts the tokens of all clients unless it lists them itself.
    pub(super) fn effective_policy(&self) -> Policy {
        let all = || self.clients.iter().map(|client| client.id.clone()).collect();
        let mut policy = self.policy.clone();
        policy.clients.get_or_insert_with(all);
        policy
    }
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("store", &self.store)
            .field("keys_dir", &self.keys_dir)
            .field("issuer", &self.issuer)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}
