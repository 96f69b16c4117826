//! A row of the table: the key of a setting, its type, its field and its description.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use auth_domain::model::{Role, Roles};
use auth_infra::token::KeyAlgorithm;

use super::value::{RawValue, ValueType};
use super::{DatabaseUrl, LogFormat, LogLevel, Settings, SettingsError};
use crate::origin::{CorsOrigins, PublicUrl, TrustedProxies};

/// Reads and writes one field of the settings: `field!(listen)`.
macro_rules! field {
    ($($name:ident).+) => {
        (|s: &Settings| s.$($name).+.clone(), |s: &mut Settings, value| s.$($name).+ = value)
    };
}
pub(super) use field;

/// One setting.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) doc: String,
    /// The default in words, for a default that is not a constant.
    pub(super) default: Option<&'static str>,
}

type Apply = dyn Fn(&mut Settings, &str) -> Option<()>;
type Show = dyn Fn(&Settings) -> Option<String>;

/// What a setting accepts, and the field that it sets.
pub(super) struct Kind {
    pub(super) value_type: ValueType,
    /// The allowed values, worded to follow "must be".
    pub(super) allowed: String,
    /// Parses a text into the field. Returns `None` for a text that is not allowed.
    apply: Box<Apply>,
    show: Box<Show>,
}

/// The type of a field.
pub(super) trait Value: Sized {
    fn parse(text: &str) -> Option<Self>;
    /// The value as a text that [`parse`](Self::parse) accepts, or `None` if the setting has no value.
    fn show(&self) -> Option<String>;
}

impl Setting {
    pub(super) fn new(key: impl Into<String>, kind: Kind, doc: impl Into<String>) -> Self {
        Self { key: key.into(), kind, doc: doc.into(), default: None }
    }

    /// This setting, with a description of its default.
    pub(super) fn with_default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The environment variable of this setting.
    pub(super) fn variable(&self) -> String {
        format!("AUTH_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// Writes a value into the settings.
    pub(super) fn apply(&self, settings: &mut Settings, raw: &RawValue) -> Result<(), SettingsError> {
        let accepted = match raw.value_type {
            None => true,
            Some(ValueType::Text) => self.kind.value_type != ValueType::Integer,
            Some(value_type) => value_type == self.kind.value_type,
        };
        let applied = accepted.then(|| (self.kind.apply)(settings, &raw.text)).flatten();
        applied.ok_or_else(|| SettingsError::InvalidValue {
            key: self.key.clone(),
            origin: raw.source.clone(),
            reason: format!("must be {}", self.kind.allowed),
        })
    }

    /// The value in force without its secrets, or `None` if the setting has no value.
    pub(super) fn show(&self, settings: &Settings) -> Option<String> {
        (self.kind.show)(settings)
    }
}

/// A text that the field's type parses.
pub(super) fn text<T: Value>(
    allowed: impl Into<String>,
    field: (impl Fn(&Settings) -> T + 'static, impl Fn(&mut Settings, T) + 'static),
) -> Kind {
    checked_text(allowed, |_| true, field)
}

/// A text that fulfils a condition, too.
pub(super) fn checked_text<T: Value>(
    allowed: impl Into<String>,
    is_allowed: impl Fn(&str) -> bool + 'static,
    (get, set): (impl Fn(&Settings) -> T + 'static, impl Fn(&mut Settings, T) + 'static),
) -> Kind {
    Kind {
        value_type: ValueType::Text,
        allowed: allowed.into(),
        apply: Box::new(move |settings, text| {
            let value = Some(text).filter(|text| is_allowed(text)).and_then(T::parse)?;
            set(settings, value);
            Some(())
        }),
        show: Box::new(move |settings| get(settings).show()),
    }
}

/// Several texts, joined by commas.
pub(super) fn list<T: Value>(
    allowed: &str,
    field: (impl Fn(&Settings) -> T + 'static, impl Fn(&mut Settings, T) + 'static),
) -> Kind {
    Kind { value_type: ValueType::List, ..text(allowed, field) }
}

/// A boolean.
pub(super) fn switch(
    field: (impl Fn(&Settings) -> bool + 'static, impl Fn(&mut Settings, bool) + 'static),
) -> Kind {
    Kind { value_type: ValueType::Switch, ..text("true or false (or on, off)", field) }
}

/// A whole number within a range.
pub(super) fn integer<T: Value>(
    unit: &str,
    range: RangeInclusive<u32>,
    field: (impl Fn(&Settings) -> T + 'static, impl Fn(&mut Settings, T) + 'static),
) -> Kind {
    let allowed = format!("a whole number of {unit} from {} to {}", range.start(), range.end());
    let kind =
        checked_text(allowed, move |text| text.parse().is_ok_and(|number| range.contains(&number)), field);
    Kind { value_type: ValueType::Integer, ..kind }
}

/// The error for a key of the file or of a flag that no setting has.
pub(super) fn unknown_key(raw: &RawValue, table: &[Setting]) -> SettingsError {
    SettingsError::Unknown {
        name: raw.key.escape_debug().to_string(),
        origin: raw.source.to_string(),
        nearest: nearest(&raw.key, table).map(|setting| setting.key.clone()).unwrap_or_default(),
    }
}

/// The error for an environment variable that no setting has.
pub(super) fn unknown_variable(name: &str, table: &[Setting]) -> SettingsError {
    let key = name.strip_prefix("AUTH_").unwrap_or(name).to_lowercase().replace("__", ".");
    SettingsError::Unknown {
        name: name.escape_debug().to_string(),
        origin: "environment".to_owned(),
        nearest: nearest(&key, table).map(Setting::variable).unwrap_or_default(),
    }
}

/// The setting whose key is most similar to `unknown`. A key without a section is also compared without sections.
fn nearest<'a>(unknown: &str, table: &'a [Setting]) -> Option<&'a Setting> {
    table.iter().min_by_key(|setting| {
        let distance = strsim::damerau_levenshtein(unknown, &setting.key);
        match setting.key.rsplit_once('.') {
            Some((_, name)) if !unknown.contains('.') => {
                distance.min(strsim::damerau_levenshtein(unknown, name) + 1)
            }
            _ => distance,
        }
    })
}

macro_rules! values {
    ($($type:ty: $parse:expr, $show:expr;)+) => {
        $(impl Value for $type {
            fn parse(text: &str) -> Option<Self> {
                $parse(text)
            }

            fn show(&self) -> Option<String> {
                $show(self)
            }
        })+
    };
}

values! {
    std::net::SocketAddr: parse_from_str, show_display;
    KeyAlgorithm: parse_from_str, show_display;
    DatabaseUrl: Self::parse, show_display;
    PublicUrl: Self::parse, show_display;
    TrustedProxies: Self::parse, show_display;
    CorsOrigins: Self::parse, show_display;
    LogLevel: Self::parse, show_display;
    Roles: |text| Self::parse(text).ok(), show_display;
    String: parse_from_str, show_display;
    PathBuf: |text: &str| (!text.is_empty() && !text.contains('\0')).then(|| Self::from(text)),
        |path: &Self| Some(path.display().to_string());
    Option<LogFormat>: |text| LogFormat::parse(text).map(Some),
        |format: &Self| format.map(|format| format.as_str().to_owned());
    Option<Role>: |text: &str| if text.is_empty() { Some(None) } else { Role::parse(text).ok().map(Some) },
        |role: &Self| Some(role.as_ref().map_or("", Role::as_str).to_owned());
    bool: |text| match text {
        "true" | "on" => Some(true),
        "false" | "off" => Some(false),
        _ => None,
    }, show_display;
    u32: parse_from_str, show_display;
    usize: parse_from_str, show_display;
    Duration: |seconds| parse_from_str(seconds).map(Self::from_secs),
        |duration: &Self| Some(duration.as_secs().to_string());
    Option<usize>: |number| parse_from_str(number).map(Some), |number: &Self| number.map(|it| it.to_string());
}

fn parse_from_str<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[expect(clippy::unnecessary_wraps, reason = "other types have values that cannot be shown")]
fn show_display(value: &impl ToString) -> Option<String> {
    Some(value.to_string())
}
