//! Where settings come from, in the order in which they are heard.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::SettingsError;
use super::file;
use super::setting::{Form, Setting};

/// Names the settings file from the environment.
const FILE_VARIABLE: &str = "AUTH_CONFIG";
/// What variables begin with that are the tests' own.
const TEST_VARIABLES: &str = "AUTH_TEST_";

/// The key of a setting, and where its value comes from.
pub(super) type Origins = BTreeMap<String, Source>;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody gave one.
    Default,
    /// A line of the settings file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
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

/// A value as a source gave it.
pub(super) struct Given {
    pub(super) key: String,
    pub(super) text: String,
    /// The form it had in a file; `None`: it came as a bare text.
    pub(super) form: Option<Form>,
    pub(super) source: Source,
}

/// A setting from the command line.
#[derive(Clone)]
pub struct Flag {
    /// The flag, such as `--listen`.
    pub name: &'static str,
    /// The setting's key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Everything that settings are read from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file; without it, the one that `AUTH_CONFIG` names, if it names one.
    pub file: Option<PathBuf>,
    /// The environment's variables; only those that begin with `AUTH_` count.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from the command line; the last of a key counts.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// This process's environment, with a settings file and with settings from the command line.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags }
    }

    /// Every value that is given, the decisive one of a key last.
    pub(super) fn read(&self, table: &[Setting]) -> Result<Vec<Given>, SettingsError> {
        let mut values = Vec::new();
        if let Some(path) = self.file() {
            values.extend(file::read(&path)?);
        }
        for (name, value) in &self.environment {
            values.extend(variable(name, value, table)?);
        }
        values.extend(self.flags.iter().map(|flag| Given {
            key: flag.key.clone(),
            text: flag.value.clone(),
            form: None,
            source: Source::Flag(flag.name),
        }));
        Ok(values)
    }

    fn file(&self) -> Option<PathBuf> {
        let named = || self.environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        self.file.clone().or_else(|| named().map(|(_, path)| PathBuf::from(path)))
    }
}

/// The setting that an environment variable gives; `None` when the variable is not this service's.
fn variable(name: &OsString, value: &OsString, table: &[Setting]) -> Result<Option<Given>, SettingsError> {
    let name = name.to_string_lossy();
    if !name.starts_with("AUTH_") || name == FILE_VARIABLE || name.starts_with(TEST_VARIABLES) {
        return Ok(None);
    }
    let setting = table
        .iter()
        .find(|setting| setting.variable() == name)
        .ok_or_else(|| SettingsError::unknown_variable(&name, table))?;
    let source = Source::Environment(name.into_owned());
    let Some(text) = value.to_str() else {
        let reason = "must be UTF-8".to_owned();
        return Err(SettingsError::Refused { key: setting.key.clone(), origin: source, reason });
    };
    Ok(Some(Given { key: setting.key.clone(), text: text.to_owned(), form: None, source }))
}
