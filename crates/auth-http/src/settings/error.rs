//! Why settings are refused.
//!
//! Each error is one line with the key, the source and the allowed values. It never contains the value, which may be a
//! secret.

use std::path::PathBuf;

use thiserror::Error;

use super::value::Source;

/// The settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    #[error("cannot read the settings file {}", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// The settings file is not TOML. Lines are counted from 1.
    #[error("{}:{line}: not valid TOML: {message}", .path.display())]
    Malformed { path: PathBuf, line: usize, message: String },
    /// No setting has this name. `nearest` is the setting with the most similar name.
    #[error("{name} ({origin}) is not a setting; the nearest one is {nearest}")]
    Unknown { name: String, origin: String, nearest: String },
    /// The value of a setting is not allowed.
    #[error("{key} ({origin}) {reason}")]
    InvalidValue { key: String, origin: Source, reason: String },
}
