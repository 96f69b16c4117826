//! Reads the settings from their sources, and defines the defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_domain::policy::Policy;
use auth_infra::password::HashingSettings;
use auth_infra::token::KeyAlgorithm;
use tracing::Level;

use super::{DatabaseUrl, DialectSettings, ListenAddress, Settings, SettingsError, Sources, keys, setting};
use crate::origin::{PublicUrl, TrustedProxies};
use crate::web_origin::{CorsHeaders, CorsOrigins};

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
        if !settings.listen.has_port()
            && let Some((port, source)) = sources.port()?
        {
            settings.listen = settings.listen.with_port(port);
            settings.sources.insert("listen".to_owned(), source);
        }
        settings.resolve();
        settings.check()?;
        Ok(settings)
    }

    /// These settings with the actual port of the listener. For port 0 the system has selected a port, which the default
    /// of the public URL must contain.
    #[must_use]
    pub fn bound_to(mut self, port: u16) -> Self {
        self.listen = self.listen.with_port(port);
        self.resolve();
        self
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
            self.public_url = PublicUrl::of_listener(&self.listen);
        }
        if !self.sources.contains_key("token.audience") {
            self.audience = self.public_url.as_str().to_owned();
        }
    }

    /// The settings of a deployment that sets nothing.
    #[must_use]
    pub fn defaults(dialects: Vec<DialectSettings>) -> Self {
        let listen = ListenAddress::default();
        // The name is valid. If it were not, the default would be empty and docs/configuration.md stale.
        let customer = Role::parse("customer").map(Roles::from).unwrap_or_default();
        let mut settings = Self {
            public_url: PublicUrl::of_listener(&listen),
            listen,
            data_dir: PathBuf::from("./data"),
            database_url: DatabaseUrl::Sqlite(PathBuf::new()),
            max_connections: 20,
            keys_dir: PathBuf::new(),
            trusted_proxies: TrustedProxies::default(),
            rate_limit: true,
            cors_origins: CorsOrigins::default(),
            cors_headers: CorsHeaders::default(),
            access_lifetime: None,
            algorithm: KeyAlgorithm::default(),
            keys_max_age: Duration::from_secs(300),
            rotation_delay: Duration::from_secs(600),
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
            connections_per_address: None,
            has_ended_sessions: true,
            has_docs: true,
            dialects,
            sources: BTreeMap::new(),
        };
        settings.resolve();
        settings
    }
}
