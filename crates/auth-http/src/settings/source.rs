//! The sources of settings: a file, the environment and flags.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::SettingsError;
use super::file;
use super::setting::{Setting, unknown_variable};
use super::value::{RawValue, Source};

/// The variable that names the settings file.
const FILE_VARIABLE: &str = "AUTH_CONFIG";
/// The prefix of variables that only the tests read.
const TEST_PREFIX: &str = "AUTH_TEST_";

/// A setting from the command line.
#[derive(Clone)]
pub struct Flag {
    /// The flag, such as `--listen`.
    pub name: &'static str,
    /// The key of the setting.
    pub key: String,
    pub value: String,
}

/// The sources from which settings are read.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file. `None`: the file that `AUTH_CONFIG` names, if that is set.
    pub file: Option<PathBuf>,
    /// The environment variables. Those without the prefix `AUTH_` are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from the command line. For each key the last one wins.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The environment of this process, a settings file and flags.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags }
    }

    /// Every value of every source. For each key the last one wins.
    pub(super) fn read(&self, table: &[Setting]) -> Result<Vec<RawValue>, SettingsError> {
        let mut values = self.file().map_or_else(|| Ok(Vec::new()), |path| file::read(&path))?;
        for (name, value) in &self.environment {
            values.extend(variable(name, value, table)?);
        }
        values.extend(self.flags.iter().map(|flag| RawValue {
            key: flag.key.clone(),
            text: flag.value.clone(),
            value_type: None,
            source: Source::Flag(flag.name),
        }));
        Ok(values)
    }

    fn file(&self) -> Option<PathBuf> {
        let mut variables = self.environment.iter().filter(|(name, _)| name == FILE_VARIABLE);
        self.file.clone().or_else(|| variables.next().map(|(_, path)| PathBuf::from(path)))
    }
}

/// The value in an environment variable, or `None` for a variable of another program.
fn variable(name: &OsString, value: &OsString, table: &[Setting]) -> Result<Option<RawValue>, SettingsError> {
    let name = name.to_string_lossy();
    if !name.starts_with("AUTH_") || name == FILE_VARIABLE || name.starts_with(TEST_PREFIX) {
        return Ok(None);
    }
    let setting = table.iter().find(|setting| setting.variable() == name);
    let key = setting.ok_or_else(|| unknown_variable(&name, table))?.key.clone();
    let source = Source::Environment(name.into_owned());
    let Some(text) = value.to_str() else {
        return Err(SettingsError::InvalidValue { key, origin: source, reason: "must be UTF-8".to_owned() });
    };
    Ok(Some(RawValue { key, text: text.to_owned(), value_type: None, source }))
}
