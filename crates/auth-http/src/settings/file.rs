//! The settings file: TOML, flattened to dotted keys with the line that each stands on.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SettingsError;
use super::setting::Form;
use super::source::{Given, Source};

/// Reads a settings file.
pub(super) fn read(path: &Path) -> Result<Vec<Given>, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| SettingsError::Unreadable { path: path.to_owned(), cause })?;
    let document = DeTable::parse(&text).map_err(|error| SettingsError::Malformed {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line(&text, span.start)),
        // The parser's own display would quote the line, which may hold a secret.
        message: error.message().replace('\n', ", "),
    })?;
    let mut reader = Reader { path, text: &text, values: Vec::new() };
    reader.table("", document.get_ref());
    Ok(reader.values)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    values: Vec<Given>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            match value.get_ref() {
                DeValue::Table(section) if !section.is_empty() => self.table(&key, section),
                other => {
                    let (form, text) = scalar(other);
                    let line = line(self.text, name.span().start);
                    let source = Source::File { path: self.path.to_owned(), line };
                    self.values.push(Given { key, text, form: Some(form), source });
                }
            }
        }
    }
}

fn scalar(value: &DeValue<'_>) -> (Form, String) {
    match value {
        DeValue::String(text) => (Form::Text, text.to_string()),
        DeValue::Boolean(value) => (Form::Switch, value.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => (Form::Integer, number.as_str().to_owned()),
        DeValue::Array(items) => items
            .iter()
            .map(|item: &Spanned<DeValue<'_>>| item.get_ref().as_str())
            .collect::<Option<Vec<_>>>()
            .map_or((Form::Other, String::new()), |items| (Form::List, items.join(","))),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
            (Form::Other, String::new())
        }
    }
}

/// The line, counted from 1, that the byte at `offset` stands on.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
