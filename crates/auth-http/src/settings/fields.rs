//! The settings in the types that the rest of the program uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_domain::policy::Policy;
use auth_infra::password::HashingSettings;
use auth_infra::token::KeyAlgorithm;

use super::{DatabaseUrl, ListenAddress, LogFormat, LogLevel, Source};
use crate::origin::{PublicUrl, TrustedProxies};
use crate::request::MinPasswordLength;
use crate::web_origin::{CorsHeaders, CorsOrigins};

/// The lifetime of access tokens if neither the setting nor the dialect's document defines one.
pub(super) const ACCESS_LIFETIME: Duration = Duration::from_mins(15);

/// All settings, parsed and checked.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the operator")]
pub struct Settings {
    /// The address of the listener. With port 0 the system selects a port.
    pub listen: ListenAddress,
    pub data_dir: PathBuf,
    pub database_url: DatabaseUrl,
    pub max_connections: u32,
    pub keys_dir: PathBuf,
    pub public_url: PublicUrl,
    pub trusted_proxies: TrustedProxies,
    pub rate_limit: bool,
    pub cors_origins: CorsOrigins,
    pub cors_headers: CorsHeaders,
    /// The lifetime of access tokens. `None`: as the dialect's document defines.
    pub access_lifetime: Option<Duration>,
    /// The algorithm of new signing keys.
    pub algorithm: KeyAlgorithm,
    /// How long verifiers may cache the published keys.
    pub keys_max_age: Duration,
    /// How long a new key is published before it signs.
    pub rotation_delay: Duration,
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
    /// The connections that one client address may have open. `None`: a tenth of all connections.
    pub connections_per_address: Option<usize>,
    /// Whether resource servers get the feed of ended sessions.
    pub has_ended_sessions: bool,
    /// Whether the API reference and the OpenAPI documents are served.
    pub has_docs: bool,
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

    /// The minimum length of new passwords of a dialect whose document defines `documented`.
    #[must_use]
    pub fn min_password_length_or(&self, documented: MinPasswordLength) -> MinPasswordLength {
        self.min_password_length.map_or(documented, |min| documented.raised_to(min))
    }
}

impl DialectSettings {
    /// The settings of a dialect whose document defines this name and this prefix.
    #[must_use]
    pub fn documented(name: &'static str, prefix: &'static str) -> Self {
        Self { name, documented_prefix: prefix, enabled: true, prefix: prefix.to_owned() }
    }
}
