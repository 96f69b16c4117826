//! The sources of settings: a TOML file, the environment and flags.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::listen::parse_port;

/// The variable that names the settings file.
const FILE_VARIABLE: &str = "AUTH_CONFIG";
/// The end of a variable that names a file with the value of a setting, as secrets are mounted into containers.
pub(super) const FILE_SUFFIX: &str = "_FILE";
/// The maximum size of such a file, in bytes. A value is one line.
const MAX_VALUE_FILE: u64 = 64 * 1024;
/// The variable that hosting platforms set to the port that they forward requests to.
const PORT_VARIABLE: &str = "PORT";
/// The prefix of variables that only the tests read.
const TEST_PREFIX: &str = "AUTH_TEST_";

/// The settings cannot be used.
///
/// The message is one line with the key, the source and the allowed values. It never contains the value, which may be a
/// secret.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct SettingsError {
    message: String,
    #[source]
    cause: Option<io::Error>,
}

impl SettingsError {
    pub(super) fn new(message: String) -> Self {
        Self { message, cause: None }
    }

    pub(super) fn invalid(key: &str, source: &Source, reason: &str) -> Self {
        Self::new(format!("{key} ({source}) {reason}"))
    }
}

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
    /// An array of texts.
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
    /// Every value of every source. For each key the last one wins.
    pub(super) fn read(&self) -> Result<Vec<RawValue>, SettingsError> {
        let variable = self.environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        let file = self.file.as_deref().or(variable.map(|(_, path)| Path::new(path)));
        let mut values = file.map_or_else(|| Ok(Vec::new()), read_file)?;
        values.extend(self.read_environment()?);
        values.extend(self.flags.iter().map(|flag| RawValue {
            key: flag.key.clone(),
            text: flag.value.clone(),
            value_type: None,
            source: Source::Flag(flag.name),
        }));
        Ok(values)
    }
}

impl Sources {
    /// The values in the environment. A setting has one variable: of two, the effective one would depend on their order.
    fn read_environment(&self) -> Result<Vec<RawValue>, SettingsError> {
        let mut values = Vec::<RawValue>::new();
        for (name, value) in &self.environment {
            let Some(read) = read_variable(name, value)? else { continue };
            if let Some(other) = values.iter().find(|other| other.key == read.key) {
                let reason = format!("must not be set by {} too", other.source);
                return Err(SettingsError::invalid(&read.key, &read.source, &reason));
            }
            values.push(read);
        }
        Ok(values)
    }

    /// The port in the variable `PORT`, for a listener without one.
    pub(super) fn port(&self) -> Result<Option<(u16, Source)>, SettingsError> {
        let Some((_, value)) = self.environment.iter().find(|(name, _)| name == PORT_VARIABLE) else {
            return Ok(None);
        };
        let source = Source::Environment(PORT_VARIABLE.to_owned());
        match value.to_str().and_then(parse_port) {
            Some(port) => Ok(Some((port, source))),
            None => Err(SettingsError::invalid("listen", &source, "must be a port from 0 to 65535")),
        }
    }
}

/// The value in an environment variable, or `None` for a variable of another program.
fn read_variable(name: &OsString, value: &OsString) -> Result<Option<RawValue>, SettingsError> {
    let name = name.to_string_lossy();
    let Some(suffix) = name.strip_prefix("AUTH_") else { return Ok(None) };
    if name == FILE_VARIABLE || name.starts_with(TEST_PREFIX) {
        return Ok(None);
    }
    let (suffix, names_a_file) = match suffix.strip_suffix(FILE_SUFFIX) {
        Some(suffix) => (suffix, true),
        None => (suffix, false),
    };
    let key = suffix.to_lowercase().replace("__", ".");
    let source = Source::Environment(name.to_string());
    let text = value.to_str().ok_or_else(|| SettingsError::invalid(&key, &source, "must be UTF-8"))?;
    let text = if names_a_file { read_value(&name, text)? } else { text.to_owned() };
    Ok(Some(RawValue { key, text, value_type: None, source }))
}

/// The value in the file that a variable names, without the line ending.
fn read_value(variable: &str, path: &str) -> Result<String, SettingsError> {
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_VALUE_FILE).read_to_string(&mut text)).map_err(
        |cause| SettingsError {
            message: format!("cannot read the file that {variable} names"),
            cause: Some(cause),
        },
    )?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.contains(['\n', '\r']) {
        return Err(SettingsError::new(format!("the file that {variable} names must have one line")));
    }
    Ok(value.to_owned())
}

/// The values in a TOML file.
fn read_file(path: &Path) -> Result<Vec<RawValue>, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|cause| SettingsError {
        message: format!("cannot read the settings file {}", path.display()),
        cause: Some(cause),
    })?;
    let document = DeTable::parse(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        // The parser's own display would quote the line, which may contain a secret.
        let message = match error.message().replace('\n', ", ") {
            // An unquoted text that begins like a number, such as an address.
            message if message.starts_with("invalid float") || message.starts_with("invalid integer") => {
                "a value that is not a number must be quoted".to_owned()
            }
            message => message,
        };
        SettingsError::new(format!("{}:{line}: not valid TOML: {message}", path.display()))
    })?;
    let mut values = Vec::new();
    flatten("", document.get_ref(), &mut |key, offset, value| {
        let (value_type, value) = scalar(value);
        let source = Source::File { path: path.to_owned(), line: line_of(&text, offset) };
        values.push(RawValue { key, text: value, value_type: Some(value_type), source });
    });
    Ok(values)
}

/// Passes each value of the table to `add`, with its dotted key and the offset of its name. An empty table is a value,
/// so that an unknown section is refused too.
fn flatten(prefix: &str, table: &DeTable<'_>, add: &mut impl FnMut(String, usize, &DeValue<'_>)) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(section) if !section.is_empty() => flatten(&format!("{key}."), section, add),
            other => add(key, name.span().start, other),
        }
    }
}

fn scalar(value: &DeValue<'_>) -> (ValueType, String) {
    match value {
        DeValue::String(text) => (ValueType::Text, text.to_string()),
        DeValue::Boolean(value) => (ValueType::Switch, value.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => (ValueType::Integer, number.as_str().to_owned()),
        DeValue::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            texts.map_or((ValueType::Other, String::new()), |texts| (ValueType::List, texts.join(",")))
        }
        _ => (ValueType::Other, String::new()),
    }
}

/// The line of the byte at `offset`, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
