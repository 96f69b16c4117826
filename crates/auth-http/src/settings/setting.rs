//! One row of the table: what a setting is called, what it takes and where it goes.

use std::ops::RangeInclusive;

use super::source::Given;
use super::{Settings, SettingsError};

/// The form a value has in a TOML file. From the environment and from flags, every value comes as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Integer,
    Switch,
    /// A text with commas, or an array of texts.
    List,
    /// What no setting takes: a float, a date, a table in an array.
    Other,
}

/// Why a value is not taken.
pub(super) enum Refusal {
    /// It is not what the table says is allowed.
    NotAllowed,
    /// It asks for something that needs more words.
    Because(&'static str),
}

type Apply = Box<dyn Fn(&mut Settings, &str) -> Result<(), Refusal> + Send + Sync>;
type Show = Box<dyn Fn(&Settings) -> Option<String> + Send + Sync>;

/// One setting.
pub(super) struct Setting {
    /// Its name in the file: `section.key`.
    pub(super) key: String,
    /// What it means, in a sentence or two.
    pub(super) doc: String,
    /// What it takes, so that "must be .." can stand before it.
    pub(super) allowed: String,
    /// The default in words, where it is not a value of its own.
    pub(super) default: Option<&'static str>,
    /// Whether the value may hold a secret; what is shown of it is masked.
    pub(super) secret: bool,
    /// The form it has in a file.
    pub(super) form: Form,
    apply: Apply,
    show: Show,
}

impl Setting {
    /// A setting that takes a text, as `apply` reads it.
    pub(super) fn text(
        key: impl Into<String>,
        allowed: impl Into<String>,
        doc: impl Into<String>,
        show: impl Fn(&Settings) -> Option<String> + Send + Sync + 'static,
        apply: impl Fn(&mut Settings, &str) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            key: key.into(),
            doc: doc.into(),
            allowed: allowed.into(),
            default: None,
            secret: false,
            form: Form::Text,
            apply: Box::new(apply),
            show: Box::new(show),
        }
    }

    /// A setting that takes several texts; `apply` gets them joined by commas.
    pub(super) fn list(
        key: &'static str,
        allowed: &'static str,
        doc: &'static str,
        show: impl Fn(&Settings) -> Option<String> + Send + Sync + 'static,
        apply: impl Fn(&mut Settings, &str) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self { form: Form::List, ..Self::text(key, allowed, doc, show, apply) }
    }

    /// A setting that takes a whole number of `unit`s within `range`.
    pub(super) fn integer(
        key: &'static str,
        unit: &'static str,
        range: RangeInclusive<u32>,
        doc: &'static str,
        show: impl Fn(&Settings) -> Option<String> + Send + Sync + 'static,
        set: impl Fn(&mut Settings, u32) + Send + Sync + 'static,
    ) -> Self {
        let of_unit = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
        let allowed = format!("a whole number{of_unit} from {} to {}", range.start(), range.end());
        let apply = move |settings: &mut Settings, text: &str| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            set(settings, number.ok_or(Refusal::NotAllowed)?);
            Ok(())
        };
        Self { form: Form::Integer, ..Self::text(key, allowed, doc, show, apply) }
    }

    /// A setting that is on or off.
    pub(super) fn switch(
        key: impl Into<String>,
        doc: impl Into<String>,
        show: impl Fn(&Settings) -> bool + Send + Sync + 'static,
        set: impl Fn(&mut Settings, bool) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        let apply = move |settings: &mut Settings, text: &str| match text {
            "true" | "on" => set(settings, true),
            "false" | "off" => set(settings, false),
            _ => Err(Refusal::NotAllowed),
        };
        let show = move |settings: &Settings| Some(show(settings).to_string());
        Self { form: Form::Switch, ..Self::text(key, "true or false (or on, off)", doc, show, apply) }
    }

    /// This setting, with its default in words.
    pub(super) fn by_default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// This setting, as one whose value may hold a secret.
    pub(super) fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The variable that sets this from the environment.
    pub(super) fn variable(&self) -> String {
        format!("AUTH_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// Puts a value into the settings.
    pub(super) fn apply(&self, settings: &mut Settings, given: &Given) -> Result<(), SettingsError> {
        let outcome = if self.takes(given.form) {
            (self.apply)(settings, &given.text)
        } else {
            Err(Refusal::NotAllowed)
        };
        outcome.map_err(|refusal| {
            let reason = match refusal {
                Refusal::NotAllowed => format!("must be {}", self.allowed),
                Refusal::Because(reason) => reason.to_owned(),
            };
            SettingsError::Refused { key: self.key.clone(), origin: given.source.clone(), reason }
        })
    }

    /// The value in force, without its secrets; `None` when there is none.
    pub(super) fn show(&self, settings: &Settings) -> Option<String> {
        (self.show)(settings)
    }

    fn takes(&self, form: Option<Form>) -> bool {
        match form {
            None => true,
            Some(Form::Text) => self.form != Form::Integer,
            Some(form) => form == self.form,
        }
    }
}
