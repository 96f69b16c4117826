//! Every parameter of libpq up to PostgreSQL 17, and what becomes of it.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::{InvalidPostgresUrl, grammar};

pub(super) const SEVERAL_HOSTS: &str =
    "it has several hosts: name one, for example an address or a proxy that leads to the primary";

/// How the connection is encrypted. `allow` counts as `prefer`, and `verify-ca` as `verify-full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

/// What becomes of a parameter.
#[derive(Clone, Copy)]
enum Effect {
    /// It has its effect.
    Honoured,
    /// It protects nothing, and is not needed here.
    Harmless,
    /// It is refused unless its value is one of these, with which the service does what it demands.
    Only(&'static [&'static str], &'static str),
    /// It is refused, for this reason.
    Refused(&'static str),
}

use Effect::{Harmless, Honoured, Only, Refused};

/// Name, variable (or an empty text) and effect. The order is that of the documentation of libpq.
const TABLE: &[(&str, &str, Effect)] = &[
    ("host", "PGHOST", Honoured),
    ("hostaddr", "PGHOSTADDR", Honoured),
    ("port", "PGPORT", Honoured),
    ("dbname", "PGDATABASE", Honoured),
    ("user", "PGUSER", Honoured),
    ("password", "PGPASSWORD", Honoured),
    ("passfile", "", Refused("set the variable PGPASSFILE instead")),
    (
        "require_auth",
        "PGREQUIREAUTH",
        Refused("the service does not limit the ways of authentication: use sslmode=verify-full"),
    ),
    (
        "channel_binding",
        "PGCHANNELBINDING",
        Only(&["disable", "prefer"], "the service does not bind to the channel: use sslmode=verify-full"),
    ),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Harmless),
    ("client_encoding", "PGCLIENTENCODING", Harmless),
    ("options", "PGOPTIONS", Honoured),
    ("application_name", "PGAPPNAME", Honoured),
    ("fallback_application_name", "", Honoured),
    ("keepalives", "", Harmless),
    ("keepalives_idle", "", Harmless),
    ("keepalives_interval", "", Harmless),
    ("keepalives_count", "", Harmless),
    ("tcp_user_timeout", "", Harmless),
    ("replication", "", Only(&["false", "off", "no", "0"], "the service does not replicate")),
    (
        "gssencmode",
        "PGGSSENCMODE",
        Only(&["disable", "prefer"], "the service encrypts with TLS only: use sslmode=verify-full"),
    ),
    ("sslmode", "PGSSLMODE", Honoured),
    ("requiressl", "PGREQUIRESSL", Honoured),
    (
        "sslnegotiation",
        "PGSSLNEGOTIATION",
        Only(&["postgres"], "the service asks for TLS in the protocol of PostgreSQL only"),
    ),
    ("sslcompression", "PGSSLCOMPRESSION", Harmless),
    ("sslcert", "PGSSLCERT", Honoured),
    ("sslkey", "PGSSLKEY", Honoured),
    (
        "sslpassword",
        "",
        Refused("the service reads no encrypted key: decrypt the file of sslkey with openssl pkey"),
    ),
    (
        "sslcertmode",
        "PGSSLCERTMODE",
        Only(&["allow"], "the service sends the certificate of sslcert if the server asks for it"),
    ),
    ("sslrootcert", "PGSSLROOTCERT", Honoured),
    (
        "sslcrl",
        "PGSSLCRL",
        Refused("the service reads no lists of revoked certificates: replace the authority in sslrootcert"),
    ),
    (
        "sslcrldir",
        "PGSSLCRLDIR",
        Refused("the service reads no lists of revoked certificates: replace the authority in sslrootcert"),
    ),
    ("sslsni", "PGSSLSNI", Only(&["1"], "the service always sends the name of the server")),
    (
        "requirepeer",
        "PGREQUIREPEER",
        Refused("the service does not check the account of the server: protect the directory of the socket"),
    ),
    (
        "ssl_min_protocol_version",
        "PGSSLMINPROTOCOLVERSION",
        Only(
            &["TLSv1", "TLSv1.1", "TLSv1.2"],
            "the service uses TLS 1.2 and 1.3: limit them with ssl_min_protocol_version of the server",
        ),
    ),
    (
        "ssl_max_protocol_version",
        "PGSSLMAXPROTOCOLVERSION",
        Only(&["TLSv1.3"], "the service uses TLS 1.2 and 1.3"),
    ),
    ("krbsrvname", "PGKRBSRVNAME", Refused("the service does not authenticate with Kerberos")),
    ("gsslib", "PGGSSLIB", Harmless),
    ("gssdelegation", "PGGSSDELEGATION", Only(&["0"], "the service does not authenticate with Kerberos")),
    ("service", "PGSERVICE", Refused("the service reads no service file: write its parameters into the URL")),
    (
        "target_session_attrs",
        "PGTARGETSESSIONATTRS",
        Only(
            &["any", "read-write", "primary", "prefer-standby"],
            "the service writes: connect to the primary",
        ),
    ),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", Harmless),
    // Not of libpq, but of sqlx.
    ("statement-cache-capacity", "", Honoured),
];

/// Other spellings that sqlx accepts.
const ALIASES: &[(&str, &str)] = &[
    ("ssl-mode", "sslmode"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("ssl-cert", "sslcert"),
    ("ssl-key", "sslkey"),
];

/// The values of parameters, each with the name by which an error calls it.
#[derive(Clone, Default)]
pub(super) struct Parameters(Vec<Parameter>);

#[derive(Clone)]
struct Parameter {
    name: String,
    /// The name in the URL, or that of a variable.
    source: String,
    value: Zeroizing<String>,
}

impl Parameters {
    pub(super) fn of_url(pairs: &[(String, String)]) -> Result<Self, InvalidPostgresUrl> {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            // As in libpq, for URLs of JDBC.
            let (name, value) = match (name.as_str(), value.as_str()) {
                ("ssl", "true") => ("sslmode", "require"),
                // Deprecated since PostgreSQL 7.4, and still read by libpq.
                ("requiressl", value) => {
                    ("sslmode", if value.starts_with('1') { "require" } else { "prefer" })
                }
                (name, value) => {
                    (ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name), value)
                }
            };
            let is_known = TABLE.iter().any(|(known, ..)| *known == name) || is_session_setting(name);
            if !is_known {
                return Err(unknown(name));
            }
            parameters.set(name, name, value);
        }
        Ok(parameters)
    }

    /// These parameters, and the variables of libpq for those that are missing.
    pub(super) fn with_variables(&self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut parameters = self.clone();
        for (name, variable_name, _) in TABLE.iter().filter(|(_, variable, _)| !variable.is_empty()) {
            let value = variable(variable_name).filter(|value| !value.is_empty());
            if let Some(value) = value.map(Zeroizing::new).filter(|_| !self.has(name)) {
                parameters.set(name, variable_name, &value);
            }
        }
        if parameters.get("requiressl").is_some_and(|value| value.starts_with('1'))
            && !parameters.has("sslmode")
        {
            parameters.set("sslmode", "PGREQUIRESSL", "require");
        }
        parameters
    }

    /// The value of a parameter. An empty one counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.value.as_str()).filter(|value| !value.is_empty())
    }

    /// How the connection is encrypted, after [`check`](Self::check). As in libpq, a file of authorities makes `require`
    /// verify the server, and the authorities of the system do so without a mode.
    pub(super) fn ssl_mode(&self) -> SslMode {
        let authorities = self.get("sslrootcert");
        match self.get("sslmode") {
            Some("disable") => SslMode::Disable,
            Some("require") if authorities.is_none() => SslMode::Require,
            Some("require" | "verify-ca" | "verify-full") => SslMode::VerifyFull,
            None if authorities == Some("system") => SslMode::VerifyFull,
            _ => SslMode::Prefer,
        }
    }

    /// Refuses what would not have its effect.
    pub(super) fn check(&self) -> Result<(), InvalidPostgresUrl> {
        for Parameter { name, source, value } in self.0.iter().filter(|parameter| !parameter.value.is_empty())
        {
            let effect =
                TABLE.iter().find(|(known, ..)| known == name).map_or(Honoured, |(.., effect)| *effect);
            let reason = match effect {
                Honoured | Harmless => continue,
                Only(values, _) if values.iter().any(|allowed| value.eq_ignore_ascii_case(allowed)) => {
                    continue;
                }
                Only(_, reason) | Refused(reason) => reason,
            };
            return Err(InvalidPostgresUrl::new(format!("{source} is not supported here: {reason}")));
        }
        self.check_address()?;
        self.check_tls()?;
        match self.find("statement-cache-capacity") {
            Some(found) if found.value.parse::<u16>().is_err() => {
                Err(InvalidPostgresUrl::new("statement-cache-capacity must be a number"))
            }
            _ => Ok(()),
        }
    }

    fn check_address(&self) -> Result<(), InvalidPostgresUrl> {
        let host = self.get("host").unwrap_or_default();
        let address = self.get("hostaddr").unwrap_or_default();
        if host.contains(',')
            || address.contains(',')
            || self.get("port").is_some_and(|port| port.contains(','))
        {
            return Err(InvalidPostgresUrl::new(SEVERAL_HOSTS));
        }
        if host.contains('@') {
            return Err(InvalidPostgresUrl::encoding("the host contains an @"));
        }
        if !address.is_empty() && address.parse::<IpAddr>().is_err() {
            return Err(InvalidPostgresUrl::new("hostaddr must be an IP address"));
        }
        match self.get("port").map(str::parse::<u16>) {
            Some(Err(_) | Ok(0)) => {
                Err(InvalidPostgresUrl::encoding("the port is not a number from 1 to 65535"))
            }
            _ => Ok(()),
        }
    }

    fn check_tls(&self) -> Result<(), InvalidPostgresUrl> {
        let mode = self.get("sslmode");
        let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
        if mode.is_some_and(|mode| !modes.contains(&mode)) {
            let source = self.find("sslmode").map_or("sslmode", |found| found.source.as_str());
            return Err(InvalidPostgresUrl::new(format!("{source} must be one of {}", modes.join(", "))));
        }
        let mode = mode.unwrap_or("prefer");
        match self.get("sslrootcert") {
            Some("system") if self.has("sslmode") && mode != "verify-full" => {
                return Err(InvalidPostgresUrl::new("sslrootcert=system requires sslmode=verify-full"));
            }
            Some(path) if path != "system" && self.ssl_mode() != SslMode::VerifyFull => {
                return Err(InvalidPostgresUrl::new(format!(
                    "sslrootcert protects nothing with sslmode={mode}: use sslmode=verify-full"
                )));
            }
            _ => {}
        }
        if self.has("sslcert") != self.has("sslkey") {
            return Err(InvalidPostgresUrl::new("sslcert and sslkey are needed together"));
        }
        if self.ssl_mode() == SslMode::VerifyFull && self.has("hostaddr") {
            return Err(InvalidPostgresUrl::new(
                "hostaddr cannot be used with verification of the server: name the host, which its certificate contains",
            ));
        }
        Ok(())
    }

    /// A URL with these parameters for sqlx, which takes them from the query only. The rest of its grammar differs.
    pub(super) fn for_sqlx(&self) -> Zeroizing<String> {
        // Without a host in the URL, sqlx looks for the socket of this machine.
        let has_host = self.has("host") || self.has("hostaddr");
        let mut url =
            Zeroizing::new(if has_host { "postgres://localhost?" } else { "postgres:?" }.to_owned());
        for (name, value) in self.pairs_for_sqlx() {
            url.push_str(&grammar::encode(name));
            url.push('=');
            url.push_str(&Zeroizing::new(grammar::encode(value)));
            url.push('&');
        }
        url
    }

    fn pairs_for_sqlx(&self) -> Vec<(&str, &str)> {
        // The address comes after the name, and replaces it.
        let names =
            ["host", "hostaddr", "port", "dbname", "user", "password", "sslcert", "sslkey", "sslrootcert"];
        let mut pairs: Vec<_> = names.into_iter().filter_map(|name| Some((name, self.get(name)?))).collect();
        // sqlx reads this variable by itself, and adds the parameter to it.
        let options = self.find("options").filter(|found| found.source != "PGOPTIONS");
        pairs.extend(options.map(|found| ("options", found.value.as_str())));
        let settings = self.0.iter().filter(|found| is_session_setting(&found.name));
        pairs.extend(settings.map(|found| (found.name.as_str(), found.value.as_str())));
        pairs.extend(self.get("statement-cache-capacity").map(|value| ("statement-cache-capacity", value)));
        let name = self.get("application_name").or_else(|| self.get("fallback_application_name"));
        pairs.extend(name.map(|name| ("application_name", name)));
        pairs
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }

    fn set(&mut self, name: &str, source: &str, value: &str) {
        self.0.retain(|parameter| parameter.name != name);
        let value = Zeroizing::new(value.to_owned());
        self.0.push(Parameter { name: name.to_owned(), source: source.to_owned(), value });
    }
}

/// `options[statement_timeout]` of sqlx.
fn is_session_setting(name: &str) -> bool {
    name.strip_prefix("options[").is_some_and(|name| name.ends_with(']'))
}

/// Names the parameter if it looks like a name. Else it may be a part of a password.
fn unknown(name: &str) -> InvalidPostgresUrl {
    let is_name = (1..=30).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
    if is_name {
        InvalidPostgresUrl::encoding(&format!("PostgreSQL has no parameter {name}"))
    } else {
        InvalidPostgresUrl::encoding("it has an unknown parameter")
    }
}
