//! The settings: one table, read from defaults, a TOML file, the environment and flags.
//!
//! The table in `keys` describes every setting once. Parsing, the refusal of unknown keys, `config show` and
//! `docs/configuration.md` are derived from it.

mod check;
mod database;
mod fields;
mod keys;
mod listen;
mod load;
mod logging;
mod render;
mod setting;
mod sources;

use fields::ACCESS_LIFETIME;

pub use database::DatabaseUrl;
pub use fields::{DialectSettings, Settings};
pub use listen::ListenAddress;
pub use logging::{LogFormat, LogLevel};
pub use render::reference;
pub use sources::{Flag, SettingsError, Source, Sources};
