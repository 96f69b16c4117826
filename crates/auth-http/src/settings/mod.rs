//! The settings: one table, read from defaults, a TOML file, the environment and flags.
//!
//! The table in `keys` describes every setting once. Parsing, the refusal of unknown keys, `config show` and
//! `docs/configuration.md` are derived from it.

mod check;
mod database;
mod error;
mod file;
mod keys;
mod load;
mod logging;
mod render;
mod sections;
mod setting;
mod source;
mod value;
mod warnings;

pub use database::DatabaseUrl;
pub use error::SettingsError;
pub use logging::{LogFormat, LogLevel};
pub use render::reference;
pub use sections::{DialectSettings, LogSettings, PasswordSettings, Settings, TokenSettings};
pub use source::{Flag, Sources};
pub use value::Source;
