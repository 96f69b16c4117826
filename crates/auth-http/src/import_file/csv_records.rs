//! Reads the rows of CSV and TSV as objects of texts.

use std::io::{self, BufRead, Chain, Cursor, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::lines::MAX_LINE_BYTES;
use super::{Place, ReadError, Record, TOO_LONG};
use crate::request::JsonObject;

/// The bytes that may be read for one row. A row that is longer has a quotation mark that does not end.
const MAX_ROW_BYTES: usize = 1 << 20;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The rows of a file, each with the names of the columns.
pub(super) struct CsvRecords<R> {
    reader: Reader<Bounded<Chain<Cursor<Vec<u8>>, R>>>,
    columns: Vec<String>,
    row: ByteRecord,
    has_crlf: bool,
}

impl<R: BufRead> CsvRecords<R> {
    /// Reads the names of the columns from the first line, unless `columns` gives them. `is_known` decides whether a name
    /// can be that of a column. A file without names in its first line must not be read as if it had them.
    pub(super) fn open(
        mut input: R,
        columns: Option<&[&str]>,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, ReadError> {
        let mut line = Vec::new();
        input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
        let (separator, has_crlf) = (separator(&line), line.ends_with(b"\r\n"));
        let input = Bounded { input: Cursor::new(line).chain(input), left: MAX_ROW_BYTES };
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .has_headers(columns.is_none())
            .from_reader(input);
        let columns = match columns {
            Some(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            None => names(reader.byte_headers().map_err(read_error)?, is_known)?,
        };
        Ok(Self { reader, columns, row: ByteRecord::new(), has_crlf })
    }

    pub(super) fn next(&mut self) -> Result<Option<Record>, ReadError> {
        self.reader.get_mut().left = MAX_ROW_BYTES;
        if !self.reader.read_byte_record(&mut self.row).map_err(read_error)? {
            return Ok(None);
        }
        Ok(Some(Record { place: Place::line(self.line()), object: self.object() }))
    }

    /// The line on which the row begins. In a file with CRLF, a row begins before the line feed of the row before it.
    fn line(&self) -> u64 {
        let Some(position) = self.row.position() else { return 0 };
        position.line() + u64::from(self.has_crlf && position.byte() > 0)
    }

    /// The row as an object. An empty value is null, and so is `\N`, which databases write.
    fn object(&self) -> Result<JsonObject, String> {
        let (columns, values) = (self.columns.len(), self.row.len());
        if values != columns {
            return Err(format!("has {values} values for {columns} columns"));
        }
        if self.row.as_slice().len() > MAX_LINE_BYTES {
            return Err(TOO_LONG.to_owned());
        }
        let mut members = Map::new();
        for (name, value) in self.columns.iter().zip(&self.row) {
            let value = str::from_utf8(value).map_err(|_| "is not in UTF-8".to_owned())?;
            let value = if matches!(value, "" | "\\N") { Value::Null } else { Value::from(value) };
            members.insert(name.clone(), value);
        }
        Ok(JsonObject::from(members))
    }
}

/// The separator that occurs most often in a line; a comma if there is none.
fn separator(line: &[u8]) -> u8 {
    let parts = |separator: u8| line.split(|byte| *byte == separator).count();
    SEPARATORS.into_iter().rev().max_by_key(|separator| parts(*separator)).unwrap_or(b',')
}

fn names(header: &ByteRecord, is_known: impl Fn(&str) -> bool) -> Result<Vec<String>, ReadError> {
    let names: Option<Vec<_>> = header.iter().map(|name| Some(str::from_utf8(name).ok()?.trim())).collect();
    let names = names.filter(|names| names.iter().any(|name| is_known(name))).ok_or_else(no_names)?;
    let mut seen = std::collections::BTreeSet::new();
    if let Some(repeated) = names.iter().find(|name| !seen.insert(**name)) {
        let name = super::printable(repeated);
        return Err(ReadError::Refused(format!("has more than one column with the name {name}")));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn no_names() -> ReadError {
    ReadError::Refused(
        "is neither JSON nor CSV with the names of the columns, such as email, in its first line; see \
         docs/importing.md"
            .to_owned(),
    )
}

fn read_error(error: csv::Error) -> ReadError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        _ => ReadError::Refused(format!("is not valid CSV in line {line}")),
    }
}

/// Reads at most as many bytes for one row as it may have.
struct Bounded<R> {
    input: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a value in quotation marks does not end",
            ));
        }
        let count = buffer.len().min(self.left);
        let read = self.input.read(&mut buffer[..count])?;
        self.left -= read;
        Ok(read)
    }
}
