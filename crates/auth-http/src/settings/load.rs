//! The settings in the types that the rest of the program uses, and how they are read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{PasswordPolicy, Role, Roles};
use auth_domain::policy::Policy;
use auth_infra::password::HashingSettings;
use auth_infra::token::KeyAlgorithm;
use tracing::Level;

use super::{DatabaseUrl, LogFormat, LogLevel, SettingsError, Source, Sources, keys, setting};
use crate::origin::{CorsOrigins, PublicUrl, TrustedProxies};

/// The lifetime of access tokens if neither the setting nor the dialect's document defines one.
pub(super) const ACCESS_LIFETIME: Duration = Duration::from_mins(15);

/// All settings, parsed and checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the listener. With port 0 the system selects a port.
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub database_url: DatabaseUrl,
    pub max_connections: u32,
    pub keys_dir: PathBuf,
    pub public_url: PublicUrl,
    pub trusted_proxies: TrustedProxies,
    pub rate_limit: bool,
    pub cors_origins: CorsOrigins,
    /// The lifetime of access tokens. `None`: as the dialect's document defines.
    pub access_lifetime: Option<Duration>,
    /// The algorithm of new signing keys.
    pub algorithm: KeyAlgorithm,
    /// The `aud` claim.
    pub audience: String,
    /// The domain's rules of sessions, tokens, attempts and audit events.
    pub policy: Policy,
    pub hashing: HashingSettings,
    /// The minimum length of a password if it exceeds that of the dialect.
    pub min_password_length: Option<usize>,
    pub refuse_common_passwords: bool,
    pub default_roles: Roles,
    pub self_assignable_roles: Roles,
    /// The role that the protected resource requires. `None`: every user may read it.
    pub required_role: Option<Role>,
    /// The format of the log. `None`: text on a terminal, JSON elsewhere.
    pub log_format: Option<LogFormat>,
    pub log_level: LogLevel,
    /// Threads that serve requests.
    pub workers: usize,
    /// The time from an answer to the next complete request head.
    pub keep_alive: Duration,
    /// The dialects, in the order in which they were passed to [`Settings::load`].
    pub dialects: Vec<DialectSettings>,
    /// The source of each setting that is not a default.
    pub(super) sources: BTreeMap<String, Source>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialectSettings {
    pub name: &'static str,
    /// The prefix in the dialect's document.
    pub documented_prefix: &'static str,
    pub enabled: bool,
    /// The configured prefix: it starts with `/` and does not end with `/`.
    pub prefix: String,
}

impl Settings {
    /// Reads the settings. A later source wins: defaults, file, environment, flags. `dialects` contains the dialects that
    /// exist, as their documents define them.
    ///
    /// # Errors
    /// When a source cannot be read, names an unknown setting, or contains a malformed or unsafe value.
    pub fn load(sources: &Sources, dialects: Vec<DialectSettings>) -> Result<Self, SettingsError> {
        let table = keys::table(&dialects);
        let mut settings = Self::defaults(dialects);
        for raw in sources.read()? {
            setting::find(&raw, &table)?.apply(&mut settings, raw)?;
        }
        settings.resolve();
        settings.check()?;
        Ok(settings)
    }

    /// These settings with the actual address of the listener. For port 0 the system has selected a port, which the
    /// default of the public URL must contain.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self.resolve();
        self
    }

    /// The source of the setting `key`.
    #[must_use]
    pub fn source(&self, key: &str) -> &Source {
        self.sources.get(key).unwrap_or(&Source::Default)
    }

    /// The settings of the dialect `name`.
    #[must_use]
    pub fn dialect(&self, name: &str) -> Option<&DialectSettings> {
        self.dialects.iter().find(|dialect| dialect.name == name)
    }

    /// The lifetime of the access tokens of a dialect whose document defines `documented`.
    #[must_use]
    pub fn access_lifetime_or(&self, documented: Option<Duration>) -> Duration {
        self.access_lifetime.or(documented).unwrap_or(ACCESS_LIFETIME)
    }

    /// The password policy of a dialect, raised to the setting.
    #[must_use]
    pub fn password_policy(&self, documented: PasswordPolicy) -> PasswordPolicy {
        self.min_password_length.map_or(documented, |min_length| documented.raised_to(min_length))
    }

    /// Derives the defaults that depend on other settings.
    fn resolve(&mut self) {
        if !self.sources.contains_key("database_url") {
            self.database_url = DatabaseUrl::Sqlite(self.data_dir.join("auth.db"));
        }
        if !self.sources.contains_key("keys_dir") {
            self.keys_dir = self.data_dir.join("keys");
        }
        if !self.sources.contains_key("public_url") {
            self.public_url = PublicUrl::of_listener(self.listen);
        }
        if !self.sources.contains_key("token.audience") {
            self.audience = self.public_url.as_str().to_owned();
        }
    }

    /// The settings of a deployment that sets nothing.
    #[must_use]
    pub fn defaults(dialects: Vec<DialectSettings>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        // The name is valid. If it were not, the default would be empty and docs/configuration.md stale.
        let customer = Role::parse("customer").map(Roles::from).unwrap_or_default();
        let mut settings = Self {
            listen,
            data_dir: PathBuf::from("./data"),
            database_url: DatabaseUrl::Sqlite(PathBuf::new()),
            max_connections: 20,
            keys_dir: PathBuf::new(),
            public_url: PublicUrl::of_listener(listen),
            trusted_proxies: TrustedProxies::default(),
            rate_limit: true,
            cors_origins: CorsOrigins::default(),
            access_lifetime: None,
            algorithm: KeyAlgorithm::default(),
            audience: String::new(),
            policy: Policy::default(),
            hashing: HashingSettings::default(),
            min_password_length: None,
            refuse_common_passwords: false,
            default_roles: customer.clone(),
            self_assignable_roles: customer,
            required_role: None,
            log_format: None,
            log_level: Level::INFO.into(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            keep_alive: Duration::from_secs(75),
            dialects,
            sources: BTreeMap::new(),
        };
        settings.resolve();
        settings
    }
}

impl DialectSettings {
    /// The settings of a dialect whose document defines this name and this prefix.
    #[must_use]
    pub fn documented(name: &'static str, prefix: &'static str) -> Self {
        Self { name, documented_prefix: prefix, enabled: true, prefix: prefix.to_owned() }
    }
}
