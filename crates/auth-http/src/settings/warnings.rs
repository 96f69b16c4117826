//! What is allowed and yet unsafe.

use std::path::Path;

use super::database::Protection;
use super::{Settings, Source};

impl Settings {
    /// What is unsafe about these settings, a sentence each, without secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        self.warn_of_network(&mut warnings);
        self.warn_of_database(&mut warnings);
        if let Some(path) = self.file() {
            let in_file = matches!(self.source("database_url"), Source::File { .. });
            warn_of_file(path, in_file && self.database.url.has_password(), &mut warnings);
        }
        warnings
    }

    fn warn_of_network(&self, warnings: &mut Vec<String>) {
        let url = &self.public_url;
        if !url.is_https() && !url.is_loopback() {
            warnings.push(format!(
                "public_url is {url}: without https, passwords and tokens can be read on their way"
            ));
        }
        let is_exposed = !self.listen.ip().is_loopback();
        if is_exposed && !url.is_https() {
            warnings.push(format!(
                "listen is {}: other machines reach the service, and public_url does not say that they come by https",
                self.listen
            ));
        }
        if !self.rate_limit && (is_exposed || !url.is_loopback()) {
            warnings.push(
                "rate_limit is off: nothing here slows down who guesses passwords; limit attempts in front of the \
                 service"
                    .to_owned(),
            );
        }
        if self.rate_limit && url.is_https() && self.trusted_proxies.is_empty() {
            warnings.push(
                "trusted_proxies is empty: whoever ends https in front of the service is the one address that all \
                 limits count by"
                    .to_owned(),
            );
        }
        if self.trusted_proxies.contains_every_address() {
            warnings.push("trusted_proxies holds every address: any client can claim any address".to_owned());
        }
        if let Some(origin) = self.cors_origins.first_unprotected() {
            warnings.push(format!(
                "cors_origins holds {origin}: without https, whoever is on the way can alter its pages and act as \
                 their users"
            ));
        }
        if self.dialects.iter().all(|dialect| !dialect.enabled) {
            warnings.push("every dialect is disabled: nobody can log in".to_owned());
        }
    }

    fn warn_of_database(&self, warnings: &mut Vec<String>) {
        match self.database.url.protection() {
            Protection::Checked => {}
            Protection::Unchecked => warnings.push(
                "database_url encrypts the connection but does not check who answers: use sslmode=verify-full"
                    .to_owned(),
            ),
            Protection::None => warnings.push(
                "database_url leads to another machine without TLS being sure: use sslmode=verify-full".to_owned(),
            ),
        }
        let on_command_line = matches!(self.source("database_url"), Source::Flag(_));
        if on_command_line && self.database.url.has_password() {
            warnings.push(
                "database_url has a password on the command line, where every user of this machine can read it: put \
                 it into the environment or the settings file"
                    .to_owned(),
            );
        }
    }

    /// The settings file, if anything that is in force came from one.
    fn file(&self) -> Option<&Path> {
        self.origins.values().find_map(|source| match source {
            Source::File { path, .. } => Some(path.as_path()),
            _ => None,
        })
    }
}

#[cfg(unix)]
fn warn_of_file(path: &Path, has_password: bool, warnings: &mut Vec<String>) {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(metadata) = std::fs::metadata(path) else { return };
    let mode = metadata.permissions().mode();
    let file = path.display();
    if mode & 0o022 != 0 {
        warnings.push(format!("{file} can be written by users other than its owner: chmod go-w {file}"));
    }
    if has_password && mode & 0o004 != 0 {
        warnings.push(format!("{file} holds a password and every user can read it: chmod o-rwx {file}"));
    }
}

#[cfg(not(unix))]
fn warn_of_file(_: &Path, _: bool, _: &mut Vec<String>) {}
