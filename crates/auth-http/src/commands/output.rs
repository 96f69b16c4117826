//! The output of commands.

use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints a text to standard output.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a value to standard output as JSON.
pub(super) fn print_json(value: &serde_json::Value) -> io::Result<()> {
    print(&format!("{value:#}\n"))
}

/// A table with headings, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    columns(&std::iter::once(headings.map(str::to_owned)).chain(rows).collect::<Vec<_>>())
}

/// Rows with aligned columns, each as wide as its widest cell.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::new();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", ""], ["\u{e4}\u{e4}\u{e4}", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "a    bb\n\u{e4}\u{e4}\u{e4}  b   c\n");
    }
}
