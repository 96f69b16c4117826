//! The settings of the log.

use std::fmt;
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::Targets;

/// The input that [`LogLevel::parse`] accepts.
pub(super) const LEVEL_ALLOWED: &str = "error, warn, info, debug, trace or off, or a list of levels and target=level such as info,auth_http=debug";

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// The format of the log: one line of text or of JSON per event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The logged events: one level for all targets, or levels by target.
#[derive(Clone, Debug)]
pub struct LogLevel {
    text: String,
    pub(crate) targets: Targets,
}

impl LogLevel {
    /// Parses levels. The parser of [`Targets`] alone would accept a misspelt level as a target and log nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let targets = Targets::from_str(text).ok().filter(|_| text.split(',').all(is_directive))?;
        Some(Self { text: text.to_owned(), targets })
    }
}

/// One level for all targets.
impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        Self { text: level.as_str().to_lowercase(), targets: Targets::new().with_default(level) }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether `text` is a level or `target=level`.
fn is_directive(text: &str) -> bool {
    let (target, level) = text.split_once('=').unwrap_or(("all", text));
    let is_target =
        !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    is_target && LEVELS.contains(&level)
}
