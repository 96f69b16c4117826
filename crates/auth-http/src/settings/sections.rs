//! The settings by section, in the types that the rest of the program works with.

use std::time::Duration;

use auth_domain::model::{PasswordPolicy, Role, Roles};
use auth_infra::token::KeyAlgorithm;

use super::{DatabaseUrl, LogFormat, LogLevel};

/// How long access tokens live where neither the setting nor the dialect's document says otherwise.
pub const ACCESS_LIFETIME: Duration = Duration::from_mins(15);

/// Where users and sessions are stored.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The store.
    pub url: DatabaseUrl,
    /// The most connections to it at a time.
    pub max_connections: u32,
}

/// Access tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// How long they live; `None`: as long as the dialect's document says.
    pub access_lifetime: Option<Duration>,
    /// What new signing keys are for.
    pub algorithm: KeyAlgorithm,
    /// Their `aud`.
    pub audience: String,
}

impl TokenSettings {
    /// How long the access tokens of a dialect live whose document says `documented`.
    #[must_use]
    pub fn access_lifetime_or(&self, documented: Option<Duration>) -> Duration {
        self.access_lifetime.or(documented).unwrap_or(ACCESS_LIFETIME)
    }
}

/// New passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// The fewest characters, where it is more than what a dialect asks for.
    pub min_length: Option<usize>,
    /// Whether common ones and the user's own names are refused.
    pub refuse_common: bool,
}

impl PasswordSettings {
    /// A dialect's own policy, raised to the setting.
    #[must_use]
    pub fn raise(&self, documented: PasswordPolicy) -> PasswordPolicy {
        self.min_length.map_or(documented, |min_length| documented.raised_to(min_length))
    }
}

/// New users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// The roles of a user who registers.
    pub default_roles: Roles,
    /// The roles that a user who registers may choose.
    pub self_assignable_roles: Roles,
}

/// The protected resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedSettings {
    /// The role that it asks for; `None`: any user may see it.
    pub required_role: Option<Role>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Its form; `None`: text on a terminal, JSON elsewhere.
    pub format: Option<LogFormat>,
    /// What goes into it.
    pub level: LogLevel,
}

/// The HTTP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Threads that serve requests.
    pub workers: usize,
    /// How long a connection is kept from an answer to the next whole head.
    pub keep_alive: Duration,
}

/// One dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialectSettings {
    /// The dialect's name.
    pub name: &'static str,
    /// The prefix that its document gives it.
    pub documented_prefix: &'static str,
    /// Whether it is served.
    pub enabled: bool,
    /// What its paths begin with: `/` and more, no `/` at the end.
    pub prefix: String,
}

impl DialectSettings {
    /// The settings of a dialect whose document defines this name and this prefix.
    #[must_use]
    pub fn documented(name: &'static str, prefix: &'static str) -> Self {
        Self { name, documented_prefix: prefix, enabled: true, prefix: prefix.to_owned() }
    }
}
