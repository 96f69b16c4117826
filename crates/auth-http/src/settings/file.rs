//! The settings file: TOML, flattened to dotted keys with their lines.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::SettingsError;
use super::value::{RawValue, Source, ValueType};

pub(super) fn read(path: &Path) -> Result<Vec<RawValue>, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| SettingsError::Unreadable { path: path.to_owned(), cause })?;
    let document = DeTable::parse(&text).map_err(|error| SettingsError::Malformed {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(&text, span.start)),
        // The parser's own display would quote the line, which may contain a secret.
        message: error.message().replace('\n', ", "),
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
        DeValue::Array(items) => items
            .iter()
            .map(|item: &Spanned<DeValue<'_>>| item.get_ref().as_str())
            .collect::<Option<Vec<_>>>()
            .map_or((ValueType::Other, String::new()), |items| (ValueType::List, items.join(","))),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
            (ValueType::Other, String::new())
        }
    }
}

/// The line of the byte at `offset`, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
