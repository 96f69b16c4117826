//! Conditions between several settings, and settings that are allowed but unsafe.

use std::os::unix::fs::PermissionsExt as _;

use auth_infra::password::InvalidHashingSettings;
use auth_infra::token::KeyAlgorithm;

use super::{DatabaseUrl, DialectSettings, Settings, SettingsError, Source};

impl Settings {
    /// Refuses combinations of settings that are not allowed.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        self.check_hashing()?;
        self.check_proxies()?;
        self.check_rotation()?;
        self.check_database()?;
        self.check_prefixes()
    }

    fn check_database(&self) -> Result<(), SettingsError> {
        self.database_url.check().map_err(|error| {
            let reason = format!("must be a URL that psql accepts and that is honoured here: {error}");
            SettingsError::invalid("database_url", self.source("database_url"), &reason)
        })
    }

    /// A verifier that loaded the key set just before a key was added has to load it again before the key signs.
    fn check_rotation(&self) -> Result<(), SettingsError> {
        if self.rotation_delay > self.keys_max_age {
            return Ok(());
        }
        let keys = ["token.rotation_delay_seconds", "token.jwks_max_age_seconds"];
        let key = keys.into_iter().find(|key| self.sources.contains_key(*key)).unwrap_or(keys[0]);
        let (delay, max_age) = (self.rotation_delay.as_secs(), self.keys_max_age.as_secs());
        let reason = format!(
            "is not allowed: a key would sign {delay} s after it is published, but verifiers may cache the keys for \
             {max_age} s; the delay must be longer"
        );
        Err(SettingsError::invalid(key, self.source(key), &reason))
    }

    fn check_hashing(&self) -> Result<(), SettingsError> {
        let Err(error) = self.hashing.validate() else { return Ok(()) };
        let keys = match error {
            InvalidHashingSettings::OverBudget { .. } => ["hashing.memory_budget_mib", "hashing.memory_kib"],
            InvalidHashingSettings::TooWeak { .. } | InvalidHashingSettings::TooCostly { .. } => {
                ["hashing.memory_kib", "hashing.iterations"]
            }
        };
        // Names the setting that the operator changed, if only one of them was changed.
        let key = keys.into_iter().find(|key| self.sources.contains_key(*key)).unwrap_or(keys[0]);
        Err(SettingsError::invalid(key, self.source(key), &format!("cannot be: {error}")))
    }

    /// A network that no request can come from would have no effect.
    fn check_proxies(&self) -> Result<(), SettingsError> {
        let Some(network) = self.trusted_proxies.first_without_hosts() else { return Ok(()) };
        let reason = format!("must not contain {network}: no host has such an address");
        Err(SettingsError::invalid("trusted_proxies", self.source("trusted_proxies"), &reason))
    }

    /// Two dialects may share a prefix only if their documents define the same one: only then can the router choose
    /// between them by the request.
    fn check_prefixes(&self) -> Result<(), SettingsError> {
        let enabled: Vec<_> = self.dialects.iter().filter(|dialect| dialect.enabled).collect();
        for (index, dialect) in enabled.iter().enumerate() {
            if let Some(other) = enabled[..index].iter().find(|other| conflicts(dialect, other)) {
                // The documented prefixes differ, so at least one of the two was moved: name that one.
                let is_moved = dialect.prefix != dialect.documented_prefix;
                let (moved, unmoved) = if is_moved { (dialect, other) } else { (other, dialect) };
                let key = format!("dialects.{}.prefix", moved.name);
                let reason = format!("must not be the prefix of {} too", unmoved.name);
                return Err(SettingsError::invalid(&key, self.source(&key), &reason));
            }
        }
        Ok(())
    }

    /// The error of two dialects that would answer at one path although their documents do not share it.
    pub(crate) fn shared_path(
        &self,
        one: &DialectSettings,
        other: &DialectSettings,
        path: &str,
    ) -> SettingsError {
        // At least one of the two was moved: name that one.
        let is_moved = one.prefix != one.documented_prefix;
        let (moved, unmoved) = if is_moved { (one, other) } else { (other, one) };
        let key = format!("dialects.{}.prefix", moved.name);
        let reason = format!("must not lead to the path {path}, which {} has too", unmoved.name);
        SettingsError::invalid(&key, self.source(&key), &reason)
    }

    /// A sentence for each unsafe setting, without secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.network_warnings();
        warnings.extend(self.ineffective());
        warnings.extend(self.database_url.tls_warning().map(str::to_owned));
        let source = self.source("database_url");
        let has_password = self.database_url.has_password();
        if has_password && matches!(source, Source::Flag(_)) {
            warnings.push(
                "database_url has a password on the command line, which every user of this machine can read: put it \
                 into the environment or the settings file"
                    .to_owned(),
            );
        }
        // The settings file, if it set a value in force.
        let file = self.sources.values().find_map(|source| match source {
            Source::File { path, .. } => Some(path),
            _ => None,
        });
        if let Some(path) = file
            && let Ok(metadata) = std::fs::metadata(path)
        {
            let (file, mode) = (path.display(), metadata.permissions().mode());
            if mode & 0o022 != 0 {
                warnings
                    .push(format!("{file} can be written by users other than its owner: chmod go-w {file}"));
            }
            if has_password && matches!(source, Source::File { .. }) && mode & 0o004 != 0 {
                warnings.push(format!(
                    "{file} contains a password and every user can read it: chmod o-rwx {file}"
                ));
            }
        }
        warnings
    }

    /// A sentence if the newest key has another algorithm than `token.algorithm`, which applies to new keys only.
    #[must_use]
    pub fn signing_key_warning(&self, signing: KeyAlgorithm) -> Option<String> {
        let configured = self.algorithm;
        (signing != configured).then(|| {
            format!(
                "token.algorithm is {configured}, but the current key signs with {signing}: run auth-http keys rotate to \
                 sign with {configured}, or set token.algorithm to {signing}"
            )
        })
    }

    /// A sentence for each setting that has no effect because of another one.
    fn ineffective(&self) -> impl Iterator<Item = String> {
        let is_sqlite = matches!(self.database_url, DatabaseUrl::Sqlite(_));
        let session = &self.policy.session;
        let reasons = [
            (is_sqlite, "database.max_connections", "the store is SQLite"),
            (is_sqlite, "token.outage_grace_seconds", "the store is SQLite"),
            (session.idle > session.absolute, "session.idle_seconds", "session.absolute_seconds is shorter"),
            (!self.rate_limit, "limits.", "rate_limit is off"),
        ];
        self.sources.keys().filter_map(move |key| {
            let applies = |(applies, keys, _): &&(bool, &str, &str)| *applies && key.starts_with(keys);
            let (_, _, reason) = reasons.iter().find(applies)?;
            Some(format!("{key} has no effect: {reason}"))
        })
    }

    fn network_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let url = &self.public_url;
        if !url.is_https() && !url.is_loopback() {
            warnings
                .push(format!("public_url is {url}: without https, passwords and tokens travel unencrypted"));
        }
        let is_exposed = !self.listen.is_loopback();
        if is_exposed && !url.is_https() {
            warnings.push(format!(
                "listen is {}: other machines reach the service, but public_url does not begin with https",
                self.listen
            ));
        }
        if !self.rate_limit && (is_exposed || !url.is_loopback()) {
            warnings.push(
                "rate_limit is off: the service does not slow down password guessing; limit attempts in front of it"
                    .to_owned(),
            );
        }
        if self.rate_limit && url.is_https() && self.trusted_proxies.is_empty() {
            warnings.push(
                "trusted_proxies is empty: every request counts against the one address of the proxy that terminates \
                 https"
                    .to_owned(),
            );
        }
        if self.trusted_proxies.contains_every_address() {
            warnings
                .push("trusted_proxies contains every address: any client can claim any address".to_owned());
        }
        if let Some(origin) = self.cors_origins.first_unprotected() {
            warnings.push(format!(
                "cors_origins contains {origin}: without https, an attacker on the network can alter its pages and act \
                 as their users"
            ));
        }
        if self.cors_origins.is_empty() && !self.cors_headers.is_empty() {
            warnings.push("cors_headers has no effect without cors_origins".to_owned());
        }
        if self.dialects.iter().all(|dialect| !dialect.enabled) {
            warnings.push("every dialect is disabled: no user can log in".to_owned());
        }
        warnings
    }
}

fn conflicts(one: &DialectSettings, other: &DialectSettings) -> bool {
    one.prefix == other.prefix && one.documented_prefix != other.documented_prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_dialects(dialects: &[(&'static str, &'static str, &str)]) -> Result<(), String> {
        let dialects = dialects.iter().map(|&(name, documented_prefix, prefix)| DialectSettings {
            name,
            documented_prefix,
            enabled: true,
            prefix: prefix.to_owned(),
        });
        Settings::defaults(dialects.collect()).check().map_err(|error| error.to_string())
    }

    #[test]
    fn dialects_share_a_prefix_only_if_their_documents_do() {
        assert_eq!(check_dialects(&[("one", "/v1", "/v1"), ("two", "/api", "/api")]), Ok(()));
        assert_eq!(check_dialects(&[("one", "/api", "/api"), ("two", "/api", "/api")]), Ok(()));
        for dialects in [
            [("one", "/v1", "/api"), ("two", "/api", "/api")],
            [("two", "/api", "/api"), ("one", "/v1", "/api")],
        ] {
            let refusal = "dialects.one.prefix (default) must not be the prefix of two too";
            assert_eq!(check_dialects(&dialects), Err(refusal.to_owned()));
        }
    }

    #[test]
    fn a_disabled_dialect_occupies_no_prefix() {
        let enabled = DialectSettings::documented("one", "/v1");
        let disabled =
            DialectSettings { name: "two", documented_prefix: "/two", enabled: false, ..enabled.clone() };
        assert!(Settings::defaults(vec![enabled, disabled]).check().is_ok());
    }
}
