//! An unparsed value and its source.

use std::fmt;
use std::path::PathBuf;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    /// A line of the settings file, counted from 1.
    File {
        path: PathBuf,
        line: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// A flag of the command line, by its name.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// The type of a value in a TOML file. Variables and flags have no type: they are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    Integer,
    Switch,
    /// An array of texts, or one text with commas.
    List,
    /// A type that no setting accepts: a float, a date, an array of tables.
    Other,
}

/// An unparsed value. The texts of a list are joined by commas.
pub(super) struct RawValue {
    pub(super) key: String,
    pub(super) text: String,
    /// The type in the file, or `None` for a variable or a flag.
    pub(super) value_type: Option<ValueType>,
    pub(super) source: Source,
}
