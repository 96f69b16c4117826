//! Reads the settings from their sources.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_domain::policy::Policy;
use auth_infra::password::HashingSettings;
use auth_infra::token::KeyAlgorithm;

use super::sections::{DatabaseSettings, HttpSettings, RegistrationSettings};
use super::setting::{Setting, unknown_key};
use super::value::RawValue;
use super::{
    DatabaseUrl, DialectSettings, LogLevel, LogSettings, PasswordSettings, Settings, SettingsError, Sources,
    TokenSettings, check, keys,
};
use crate::origin::{CorsOrigins, PublicUrl, TrustedProxies};

impl Settings {
    /// Reads the settings. A later source wins: defaults, file, environment, flags. `dialects` contains the dialects that
    /// exist, as their documents define them.
    ///
    /// # Errors
    /// When a source cannot be read, names an unknown setting, or contains a malformed or unsafe value.
    pub fn load(sources: &Sources, dialects: Vec<DialectSettings>) -> Result<Self, SettingsError> {
        let table = keys::table(&dialects);
        let mut settings = Self::unresolved(dialects);
        for raw in sources.read(&table)? {
            settings.apply(&table, &raw)?;
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

    /// These settings with the actual address of the listener. For port 0 the system has selected a port, which the
    /// default of the public URL must contain.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self.resolve();
        self
    }

    fn apply(&mut self, table: &[Setting], raw: &RawValue) -> Result<(), SettingsError> {
        let setting =
            table.iter().find(|setting| setting.key == raw.key).ok_or_else(|| unknown_key(raw, table))?;
        setting.apply(self, raw)?;
        self.sources.insert(raw.key.clone(), raw.source.clone());
        Ok(())
    }

    /// Derives the defaults that depend on other settings.
    fn resolve(&mut self) {
        if !self.sources.contains_key("database_url") {
            self.database.url = DatabaseUrl::Sqlite(self.data_dir.join("auth.db"));
        }
        if !self.sources.contains_key("keys_dir") {
            self.keys_dir = self.data_dir.join("keys");
        }
        if !self.sources.contains_key("public_url") {
            self.public_url = PublicUrl::of_listener(self.listen);
        }
        if !self.sources.contains_key("token.audience") {
            self.token.audience = self.public_url.as_str().to_owned();
        }
    }

    /// The defaults, without those that [`resolve`](Self::resolve) derives.
    fn unresolved(dialects: Vec<DialectSettings>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        // The name is valid. If it were not, the default would be empty and docs/configuration.md stale.
        let customer = Role::parse("customer").map(Roles::from).unwrap_or_default();
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
                default_roles: customer.clone(),
                self_assignable_roles: customer,
            },
            required_role: None,
            log: LogSettings { format: None, level: LogLevel::default() },
            http: HttpSettings {
                workers: std::thread::available_parallelism().map_or(1, usize::from),
                keep_alive: Duration::from_secs(75),
            },
            dialects,
            sources: BTreeMap::new(),
        }
    }
}
