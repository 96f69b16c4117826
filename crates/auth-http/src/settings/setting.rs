//! A row of the table: the key of a setting, what it accepts, its field and its description.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_infra::token::KeyAlgorithm;

use super::sources::{FILE_SUFFIX, RawValue, Source, ValueType};
use super::{ACCESS_LIFETIME, DatabaseUrl, ListenAddress, LogFormat, LogLevel, Settings, SettingsError};
use crate::origin::{PublicUrl, TrustedProxies};
use crate::web_origin::{CorsHeaders, CorsOrigins};

type Show = Box<dyn Fn(&Settings) -> String>;
type Set = Box<dyn Fn(&mut Settings, &str) -> Option<()>>;

/// Shows and sets one field of the settings: `field!(listen)`.
macro_rules! field {
    ($($field:tt)+) => {
        (
            Box::new(move |s| s.$($field)+.show()),
            Box::new(move |s, text| {
                s.$($field)+ = $crate::settings::setting::Value::parse(text)?;
                Some(())
            }),
        )
    };
}
pub(super) use field;

/// One setting.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) accepts: Accepts,
    /// The value in force, without its secrets. Empty if there is none.
    pub(super) show: Show,
    /// Parses a text into the field. Returns `None` for a text that is not allowed.
    set: Set,
    pub(super) doc: String,
    /// The default in words, for a default that is not a constant.
    pub(super) default: Option<&'static str>,
}

/// What a setting accepts. The texts follow "must be".
pub(super) enum Accepts {
    Text(&'static str),
    /// A text that fulfils a condition.
    TextIf(&'static str, fn(&str) -> bool),
    List(&'static str),
    /// A list, and a function that says what is wrong with one. The text does not contain the value.
    ListWith(&'static str, fn(&str) -> Option<String>),
    Switch,
    /// A whole number with its unit.
    Integer(&'static str, RangeInclusive<u32>),
}

impl Setting {
    pub(super) fn new(
        key: impl Into<String>,
        accepts: Accepts,
        (show, set): (Show, Set),
        doc: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), accepts, show, set, doc: doc.into(), default: None }
    }

    pub(super) fn with_default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The environment variable that names a file with the value.
    fn file_variable(&self) -> String {
        self.variable() + FILE_SUFFIX
    }

    /// The environment variable of this setting.
    pub(super) fn variable(&self) -> String {
        format!("AUTH_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// Writes a value into the settings.
    pub(super) fn apply(&self, settings: &mut Settings, raw: RawValue) -> Result<(), SettingsError> {
        if !self.accepts.allows(&raw) || (self.set)(settings, &raw.text).is_none() {
            let reason = format!("must be {}{}", self.accepts.description(), self.accepts.explain(&raw.text));
            return Err(SettingsError::invalid(&self.key, &raw.source, &reason));
        }
        settings.sources.insert(self.key.clone(), raw.source);
        Ok(())
    }
}

impl Accepts {
    pub(super) fn description(&self) -> String {
        match self {
            Self::Text(allowed)
            | Self::TextIf(allowed, _)
            | Self::List(allowed)
            | Self::ListWith(allowed, _) => (*allowed).to_owned(),
            Self::Switch => "true or false (or on, off)".to_owned(),
            Self::Integer(unit, range) => {
                format!("a whole number of {unit} from {} to {}", range.start(), range.end())
            }
        }
    }

    /// What is wrong with a value, if more can be said than the description does.
    fn explain(&self, text: &str) -> String {
        match self {
            Self::ListWith(_, fault) => fault(text).map(|fault| format!("; {fault}")).unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// Whether a value has an allowed type, and is in the range.
    fn allows(&self, raw: &RawValue) -> bool {
        let (types, is_allowed): (&[ValueType], bool) = match self {
            Self::Text(_) => (&[ValueType::Text], true),
            Self::TextIf(_, condition) => (&[ValueType::Text], condition(&raw.text)),
            Self::List(_) | Self::ListWith(..) => (&[ValueType::Text, ValueType::List], true),
            Self::Switch => (&[ValueType::Text, ValueType::Switch], true),
            Self::Integer(_, range) => {
                (&[ValueType::Integer], raw.text.parse().is_ok_and(|number| range.contains(&number)))
            }
        };
        is_allowed && raw.value_type.is_none_or(|value_type| types.contains(&value_type))
    }
}

/// The setting of a value, or an error that names the nearest one.
pub(super) fn find<'a>(raw: &RawValue, table: &'a [Setting]) -> Result<&'a Setting, SettingsError> {
    let found = table.iter().find(|setting| match &raw.source {
        Source::Environment(name) => setting.variable() == *name || setting.file_variable() == *name,
        _ => setting.key == raw.key,
    });
    found.ok_or_else(|| {
        let nearest = table.iter().min_by_key(|setting| distance(&raw.key, &setting.key));
        let (name, source, nearest) = match &raw.source {
            Source::Environment(name) => (name, "environment".to_owned(), nearest.map(Setting::variable)),
            source => (&raw.key, source.to_string(), nearest.map(|setting| setting.key.clone())),
        };
        let (name, nearest) = (name.escape_debug(), nearest.unwrap_or_default());
        SettingsError::new(format!("{name} ({source}) is not a setting; the nearest one is {nearest}"))
    })
}

/// How much an unknown key differs from `key`. One without a section is also compared with the name alone.
fn distance(unknown: &str, key: &str) -> usize {
    let distance = strsim::damerau_levenshtein(unknown, key);
    match key.rsplit_once('.') {
        Some((_, name)) if !unknown.contains('.') => {
            distance.min(strsim::damerau_levenshtein(unknown, name) + 1)
        }
        _ => distance,
    }
}

/// The type of a field.
pub(super) trait Value: Sized {
    fn parse(text: &str) -> Option<Self>;
    /// The value as a text that [`parse`](Self::parse) accepts, or an empty text if there is no value.
    fn show(&self) -> String;
}

macro_rules! values {
    ($($($type:ty),+: $parse:expr, $show:expr;)+) => {
        $($(impl Value for $type {
            fn parse(text: &str) -> Option<Self> {
                $parse(text)
            }

            fn show(&self) -> String {
                $show(self)
            }
        })+)+
    };
}

values! {
    KeyAlgorithm, String, u32, usize: |text: &str| text.parse().ok(), ToString::to_string;
    ListenAddress, DatabaseUrl, PublicUrl, TrustedProxies, LogLevel: Self::parse, ToString::to_string;
    CorsOrigins, CorsHeaders: |text: &str| Self::parse(text).ok(), ToString::to_string;
    Roles: |text| Self::parse(text).ok(), ToString::to_string;
    PathBuf: |text: &str| (!text.is_empty() && !text.contains('\0')).then(|| Self::from(text)),
        |path: &Self| path.display().to_string();
    bool: |text| match text {
        "true" | "on" => Some(true),
        "false" | "off" => Some(false),
        _ => None,
    }, ToString::to_string;
    Duration: |text: &str| Some(Self::from_secs(text.parse().ok()?)), |duration: &Self| duration.as_secs().to_string();
    Option<Duration>: |text| Duration::parse(text).map(Some),
        |lifetime: &Self| lifetime.unwrap_or(ACCESS_LIFETIME).show();
    Option<usize>: |text| usize::parse(text).map(Some),
        |number: &Self| number.map(|number| number.to_string()).unwrap_or_default();
    Option<LogFormat>: |text| match text {
        "text" => Some(Some(LogFormat::Text)),
        "json" => Some(Some(LogFormat::Json)),
        _ => None,
    }, |format: &Self| match format {
        Some(LogFormat::Text) => "text".to_owned(),
        Some(LogFormat::Json) => "json".to_owned(),
        None => String::new(),
    };
    Option<Role>: |text: &str| if text.is_empty() { Some(None) } else { Role::parse(text).ok().map(Some) },
        |role: &Self| role.as_ref().map_or("", Role::as_str).to_owned();
}
