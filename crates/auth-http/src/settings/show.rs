//! The settings in force, as the TOML file that would set them, with the source of each.

use std::fmt::Write as _;

use super::setting::{Form, Setting};
use super::{Settings, keys};

impl Settings {
    /// Every setting with its value and its source, a line each, in TOML; secrets are masked.
    ///
    /// What has no value, and what is not shown in full, stands in a comment.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = String::new();
        for setting in keys::table(&self.dialects) {
            let line = match setting.show(self) {
                None => format!("# {} = {}", setting.key, setting.default.unwrap_or_default()),
                Some(value) => {
                    let hidden = setting.secret && self.database.url.has_password();
                    let mark = if hidden { "# " } else { "" };
                    format!("{mark}{} = {}", setting.key, literal(&setting, &value))
                }
            };
            let _ = writeln!(text, "{line:<48} # {}", self.source(&setting.key));
        }
        text
    }
}

/// A value as it is written in TOML.
pub(super) fn literal(setting: &Setting, value: &str) -> String {
    // A JSON string is a TOML string, too.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match setting.form {
        Form::Integer | Form::Switch => value.to_owned(),
        Form::Text | Form::Other => quoted(value),
        Form::List if value.is_empty() => "[]".to_owned(),
        Form::List => format!("[{}]", value.split(',').map(quoted).collect::<Vec<_>>().join(", ")),
    }
}
