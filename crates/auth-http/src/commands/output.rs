//! The output of commands.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;

/// Prints a text to standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints JSON objects as a list, or as a table. A column has a heading and a member; `absent` replaces `null`.
pub(super) fn print_list<const N: usize>(
    objects: Vec<Value>,
    as_json: bool,
    columns: [(&str, &str); N],
    absent: &str,
) -> anyhow::Result<()> {
    if as_json {
        return print(&format!("{:#}\n", Value::Array(objects)));
    }
    let rows = objects.iter().map(|object| columns.map(|(_, member)| cell(&object[member], absent)));
    print(&table(columns.map(|(heading, _)| heading), rows))
}

/// A table of the members of a JSON object: one line each, with a label. `absent` replaces `null`.
pub(super) fn members<const N: usize>(object: &Value, rows: [(&str, &str); N], absent: &str) -> String {
    aligned(&rows.map(|(label, member)| [label.to_owned(), cell(&object[member], absent)]))
}

fn cell(value: &Value, absent: &str) -> String {
    match value {
        Value::Null => absent.to_owned(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(|item| cell(item, absent)).collect::<Vec<_>>().join(","),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// A table with headings.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    aligned(&std::iter::once(headings.map(str::to_owned)).chain(rows).collect::<Vec<_>>())
}

/// Rows of columns, each as wide as its widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        text.push_str(&line(row, widths));
    }
    text
}

/// One row of columns with these widths.
pub(super) fn line<const N: usize>(cells: &[impl AsRef<str>; N], widths: [usize; N]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(line, "{:width$}  ", cell.as_ref());
    }
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", ""], ["\u{e4}\u{e4}\u{e4}", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a    bb\n\u{e4}\u{e4}\u{e4}  b   c\n");
    }
}
