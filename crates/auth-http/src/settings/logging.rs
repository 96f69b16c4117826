//! What is logged, and in which form.

use std::fmt;
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::Targets;

/// What [`LogLevel::parse`] takes.
pub(super) const LEVEL_ALLOWED: &str = "error, warn, info, debug, trace or off, or a list of levels and target=level such as info,auth_http=debug";

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text an event.
    Text,
    /// A line of JSON an event.
    Json,
}

impl LogFormat {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    pub(super) fn parse(format: &str) -> Option<Self> {
        [Self::Text, Self::Json].into_iter().find(|known| known.as_str() == format)
    }
}

/// What is logged: a level, or levels by target.
#[derive(Clone, Debug)]
pub struct LogLevel {
    text: String,
    targets: Targets,
}

impl LogLevel {
    /// Reads levels. The parser of [`Targets`] would take a misspelt level for a target, and log nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = |directive: &str| match directive.split_once('=') {
            None => LEVELS.contains(&directive),
            Some((target, level)) => is_target(target) && LEVELS.contains(&level),
        };
        let targets = Targets::from_str(text).ok().filter(|_| text.split(',').all(known))?;
        Some(Self { text: text.to_owned(), targets })
    }

    /// `warn`.
    #[must_use]
    pub fn warnings() -> Self {
        Self::of("warn", Level::WARN)
    }

    fn of(text: &str, level: Level) -> Self {
        Self { text: text.to_owned(), targets: Targets::new().with_default(level) }
    }

    /// The levels as a filter.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }
}

/// `info`.
impl Default for LogLevel {
    fn default() -> Self {
        Self::of("info", Level::INFO)
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_target(target: &str) -> bool {
    !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}
