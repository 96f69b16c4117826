//! Settings that are allowed but unsafe.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::database::Protection;
use super::{Settings, Source};

impl Settings {
    /// A sentence for each unsafe setting, without secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        [self.network_warnings(), self.database_warnings(), self.file_warnings()].concat()
    }

    fn network_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let url = &self.public_url;
        if !url.is_https() && !url.is_loopback() {
            warnings
                .push(format!("public_url is {url}: without https, passwords and tokens travel unencrypted"));
        }
        let is_exposed = !self.listen.ip().is_loopback();
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
        if self.dialects.iter().all(|dialect| !dialect.enabled) {
            warnings.push("every dialect is disabled: no user can log in".to_owned());
        }
        warnings
    }

    fn database_warnings(&self) -> Vec<String> {
        let protection = match self.database.url.protection() {
            Protection::Verified => None,
            Protection::Unverified => Some(
                "database_url encrypts the connection but does not verify the server: use sslmode=verify-full",
            ),
            Protection::Optional => Some(
                "database_url connects to another machine, possibly without TLS: use sslmode=verify-full",
            ),
        };
        let is_flag = matches!(self.source("database_url"), Source::Flag(_));
        let exposure = (is_flag && self.database.url.has_password()).then_some(
            "database_url has a password on the command line, which every user of this machine can read: put it into the \
             environment or the settings file",
        );
        [protection, exposure].into_iter().flatten().map(str::to_owned).collect()
    }

    fn file_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(path) = self.file() else { return warnings };
        let Ok(metadata) = std::fs::metadata(path) else { return warnings };
        let (file, mode) = (path.display(), metadata.permissions().mode());
        if mode & 0o022 != 0 {
            warnings.push(format!("{file} can be written by users other than its owner: chmod go-w {file}"));
        }
        let is_secret = matches!(self.source("database_url"), Source::File { .. });
        if is_secret && self.database.url.has_password() && mode & 0o004 != 0 {
            warnings
                .push(format!("{file} contains a password and every user can read it: chmod o-rwx {file}"));
        }
        warnings
    }

    /// The settings file, if it set a value in force.
    fn file(&self) -> Option<&Path> {
        self.sources.values().find_map(|source| match source {
            Source::File { path, .. } => Some(path.as_path()),
            _ => None,
        })
    }
}
