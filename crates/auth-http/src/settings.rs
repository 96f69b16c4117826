//! What a deployment may set: one table of settings, read from defaults, a TOML file, the environment and flags.
//!
//! The table in `keys` describes every setting once; from it come parsing, the refusal of unknown keys,
//! `config show` and `docs/configuration.md`.

mod check;
mod database;
mod error;
mod file;
mod keys;
mod logging;
mod prefix;
mod reference;
mod sections;
mod setting;
mod show;
mod source;
mod warnings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_domain::policy::Policy;
use auth_infra::token::KeyAlgorithm;

pub use database::DatabaseUrl;
pub use error::SettingsError;
pub use logging::{LogFormat, LogLevel};
pub use reference::reference;
pub use sections::{
    ACCESS_LIFETIME, DatabaseSettings, DialectSettings, HttpSettings, LogSettings, PasswordSettings,
    ProtectedSettings, RegistrationSettings, TokenSettings,
};
pub use source::{Flag, Source, Sources};

use auth_infra::password::HashingSettings;

use crate::origin::{CorsOrigins, PublicUrl, TrustedProxies};
use setting::Setting;
use source::{Given, Origins};

/// Every setting, valid and in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the service listens; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// Where the service keeps its files.
    pub data_dir: PathBuf,
    /// Where users and sessions are stored.
    pub database: DatabaseSettings,
    /// Where the signing keys are.
    pub keys_dir: PathBuf,
    /// Where the outside finds the service: the issuer of its tokens.
    pub public_url: PublicUrl,
    /// The proxies whose word on a client's address is believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether attempts are limited.
    pub rate_limit: bool,
    /// The other origins whose pages browsers let use the service.
    pub cors_origins: CorsOrigins,
    /// Access tokens.
    pub token: TokenSettings,
    /// The domain's rules of sessions and tokens.
    pub policy: Policy,
    /// Argon2id.
    pub hashing: HashingSettings,
    /// New passwords.
    pub password: PasswordSettings,
    /// New users.
    pub registration: RegistrationSettings,
    /// The protected resource.
    pub protected: ProtectedSettings,
    /// The log.
    pub log: LogSettings,
    /// The HTTP server.
    pub http: HttpSettings,
    /// The dialects, in the order in which they were passed to [`Settings::load`].
    pub dialects: Vec<DialectSettings>,
    origins: Origins,
}

impl Settings {
    /// Reads the settings: the file over the defaults, the environment over the file, flags over all.
    /// `dialects` contains the dialects that exist, as their documents define them.
    ///
    /// # Errors
    /// When a source cannot be read, names a setting that does not exist, or gives one a value that is malformed or
    /// unsafe.
    pub fn load(sources: &Sources, dialects: Vec<DialectSettings>) -> Result<Self, SettingsError> {
        let table = keys::table(&dialects);
        let mut settings = Self::unresolved(dialects);
        for given in sources.read(&table)? {
            settings.apply(&table, &given)?;
        }
        settings.resolve();
        check::check(&settings)?;
        Ok(settings)
    }

    /// The settings of a deployment that sets nothing.
    #[must_use]
    pub fn defaults(dialects: Vec<DialectSettings>) -> Self {
        let mut settings = Self::unresolved(dialects);
        settings.resolve();
        settings
    }

    /// Where the value of the setting `key` comes from.
    #[must_use]
    pub fn source(&self, key: &str) -> &Source {
        self.origins.get(key).unwrap_or(&Source::Default)
    }

    /// The settings of the dialect `name`.
    #[must_use]
    pub fn dialect(&self, name: &str) -> Option<&DialectSettings> {
        self.dialects.iter().find(|dialect| dialect.name == name)
    }

    /// The settings for a server that was asked to listen on `listen` and was given `address`, which has another
    /// port if that was 0: so the public URL's default names the right one.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self.resolve();
        self
    }

    fn apply(&mut self, table: &[Setting], given: &Given) -> Result<(), SettingsError> {
        let setting = table
            .iter()
            .find(|setting| setting.key == given.key)
            .ok_or_else(|| SettingsError::unknown(given, table))?;
        setting.apply(self, given)?;
        self.origins.insert(given.key.clone(), given.source.clone());
        Ok(())
    }

    /// Works out the settings that nobody gave from those that they follow.
    fn resolve(&mut self) {
        if !self.origins.contains_key("database_url") {
            self.database.url = DatabaseUrl::Sqlite(self.data_dir.join("auth.db"));
        }
        if !self.origins.contains_key("keys_dir") {
            self.keys_dir = self.data_dir.join("keys");
        }
        if !self.origins.contains_key("public_url") {
            self.public_url = PublicUrl::of_listener(self.listen);
        }
        if !self.origins.contains_key("token.audience") {
            self.token.audience = self.public_url.as_str().to_owned();
        }
    }

    fn unresolved(dialects: Vec<DialectSettings>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self {
            listen,
            data_dir: PathBuf::from("./data"),
            database: DatabaseSettings { url: DatabaseUrl::Sqlite(PathBuf::new()), max_connections: 20 },
            keys_dir: PathBuf::new(),
            public_url: PublicUrl::of_listener(listen),
            trusted_proxies: TrustedProxies::default(),
            rate_limit: true,
            cors_origins: CorsOrigins::default(),
            token: TokenSettings {
                access_lifetime: None,
                algorithm: KeyAlgorithm::default(),
                audience: String::new(),
            },
            policy: Policy::default(),
            hashing: HashingSettings::default(),
            password: PasswordSettings { min_length: None, refuse_common: false },
            registration: RegistrationSettings {
                default_roles: customer(),
                self_assignable_roles: customer(),
            },
            protected: ProtectedSettings { required_role: None },
            log: LogSettings { format: None, level: LogLevel::default() },
            http: HttpSettings {
                workers: std::thread::available_parallelism().map_or(1, usize::from),
                keep_alive: Duration::from_secs(75),
            },
            dialects,
            origins: Origins::new(),
        }
    }
}

/// The one role of a user who registers. The page of the settings shows it: were it none, the page would be stale.
fn customer() -> Roles {
    Role::parse("customer").map(Roles::from).unwrap_or_default()
}
