//! Why settings are refused: one line that names the key, where it came from and what is allowed, and never a value,
//! which may be a secret.

use std::path::PathBuf;

use thiserror::Error;

use super::setting::Setting;
use super::source::{Given, Source};

/// The settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("{}:{line}: not valid TOML: {message}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser found.
        message: String,
    },
    /// There is no such setting.
    #[error("{name} ({origin}) is not a setting; the nearest one is {nearest}")]
    Unknown {
        /// What was given.
        name: String,
        /// Where.
        origin: String,
        /// The known one that is spelled most like it.
        nearest: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{key} ({origin}) {reason}")]
    Refused {
        /// The setting.
        key: String,
        /// Where its value came from.
        origin: Source,
        /// What is allowed instead.
        reason: String,
    },
}

impl SettingsError {
    /// A file or a flag names a setting that does not exist.
    pub(super) fn unknown(given: &Given, table: &[Setting]) -> Self {
        let nearest = nearest(&given.key, table).map(|setting| setting.key.clone());
        Self::Unknown {
            name: given.key.escape_debug().to_string(),
            origin: given.source.to_string(),
            nearest: nearest.unwrap_or_default(),
        }
    }

    /// The environment names a setting that does not exist.
    pub(super) fn unknown_variable(name: &str, table: &[Setting]) -> Self {
        let key = name.strip_prefix("AUTH_").unwrap_or(name).to_lowercase().replace("__", ".");
        Self::Unknown {
            name: name.escape_debug().to_string(),
            origin: "environment".to_owned(),
            nearest: nearest(&key, table).map(Setting::variable).unwrap_or_default(),
        }
    }
}

/// The setting whose key is spelled most like `unknown`; a key without its section is compared with last parts too.
fn nearest<'a>(unknown: &str, table: &'a [Setting]) -> Option<&'a Setting> {
    table.iter().min_by_key(|setting| {
        let whole = strsim::damerau_levenshtein(unknown, &setting.key);
        match setting.key.rsplit_once('.') {
            Some((_, last)) if !unknown.contains('.') => {
                whole.min(strsim::damerau_levenshtein(unknown, last) + 1)
            }
            _ => whole,
        }
    })
}
