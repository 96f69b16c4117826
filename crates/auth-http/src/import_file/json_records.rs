//! Reads the objects of JSON lines, of an array, of an object with a list of users, and of objects one after another.

use std::io::{BufRead, Chain, Cursor, Read as _};

use super::lines::{Line, Lines};
use super::scanner::{ScanError, Scanner};
use super::{NOT_AN_OBJECT, Place, ReadError, Record, TOO_LONG};
use crate::request::JsonObject;

/// The members of an exported object that contain its users.
const LISTS: [&[u8]; 2] = [b"\"users\"", b"\"identities\""];

type Replay<R> = Chain<Cursor<Vec<u8>>, R>;

/// The objects of a JSON text.
pub(super) enum JsonRecords<R> {
    Lines(Lines<Replay<R>>),
    /// The elements of an array. `is_inner`: the array is a member of an object, and its end is not the end of the file.
    Array {
        scanner: Scanner<R>,
        is_inner: bool,
        count: u64,
    },
    /// Objects one after another, which may be longer than a line. `first`: the line of the object that has been read.
    Objects {
        scanner: Scanner<R>,
        first: Option<u64>,
    },
    End,
}

/// What the first object of a file is.
enum First {
    /// A complete object on the line on which it begins.
    Line,
    /// A complete object on several lines.
    Object,
    /// The part of an object before its list of users.
    List,
}

impl<R: BufRead> JsonRecords<R> {
    /// Recognises the structure of a text that begins with `{` or `[` after white space.
    pub(super) fn open(input: R) -> Result<Self, ReadError> {
        let mut scanner = Scanner::new(input);
        if scanner.skip_space()? == Some(b'[') {
            scanner.advance(b'[');
            return Ok(Self::Array { scanner, is_inner: false, count: 0 });
        }
        let first = Some(scanner.line());
        match read_first(&mut scanner) {
            Ok(First::List) => Ok(Self::Array { scanner, is_inner: true, count: 0 }),
            Err(ScanError::Io(error)) => Err(error.into()),
            // A broken first line is reported like any other one, and the lines after it are read.
            Ok(First::Line) | Err(ScanError::End | ScanError::Broken) if scanner.copy().is_some() => {
                let (read, rest) = scanner.into_parts();
                Ok(Self::Lines(Lines::new(Cursor::new(read).chain(rest))))
            }
            Ok(First::Object | First::Line) => Ok(Self::Objects { scanner, first }),
            Err(ScanError::End | ScanError::Broken) => Err(ReadError::Refused(
                "begins with a JSON object that does not end, or that is not valid JSON".to_owned(),
            )),
        }
    }

    /// Reads JSON lines.
    pub(super) fn lines(input: R) -> Self {
        Self::Lines(Lines::new(Cursor::new(Vec::new()).chain(input)))
    }

    pub(super) fn next(&mut self) -> Result<Option<Record>, ReadError> {
        match self {
            Self::Lines(lines) => next_line(lines),
            Self::Array { scanner, is_inner, count } => {
                let record = next_element(scanner, *is_inner, count)?;
                if record.is_none() {
                    *self = Self::End;
                }
                Ok(record)
            }
            Self::Objects { scanner, first } => next_object(scanner, first),
            Self::End => Ok(None),
        }
    }
}

/// Reads the first object up to its list of users, or to its end. The copy of the scanner contains what was read.
fn read_first<R: BufRead>(scanner: &mut Scanner<R>) -> Result<First, ScanError> {
    scanner.expect(b'{')?;
    let line = scanner.line();
    let mut is_empty = true;
    loop {
        match scanner.skip_space()?.ok_or(ScanError::End)? {
            b'}' if is_empty => break,
            b'"' => {
                if read_member(scanner)? {
                    return Ok(First::List);
                }
            }
            _ => return Err(ScanError::Broken),
        }
        is_empty = false;
        match scanner.skip_space()?.ok_or(ScanError::End)? {
            b',' => scanner.advance(b','),
            b'}' => break,
            _ => return Err(ScanError::Broken),
        }
    }
    scanner.advance(b'}');
    Ok(if scanner.line() == line { First::Line } else { First::Object })
}

/// Reads a member. Returns whether it is a list of users, of which only the bracket is read then.
fn read_member<R: BufRead>(scanner: &mut Scanner<R>) -> Result<bool, ScanError> {
    let name = scanner.name()?;
    scanner.expect(b':')?;
    if LISTS.contains(&&name[..]) && scanner.skip_space()? == Some(b'[') {
        scanner.advance(b'[');
        return Ok(true);
    }
    scanner.skip_space()?;
    scanner.value()?;
    Ok(false)
}

fn next_line<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<Record>, ReadError> {
    while let Some(Line { number, bytes }) = lines.next()? {
        let object = match bytes {
            Some(bytes) if bytes.trim_ascii().is_empty() => continue,
            bytes => parse(bytes),
        };
        return Ok(Some(Record { place: Place::line(number), object }));
    }
    Ok(None)
}

fn next_element<R: BufRead>(
    scanner: &mut Scanner<R>,
    is_inner: bool,
    count: &mut u64,
) -> Result<Option<Record>, ReadError> {
    let line = scanner.line();
    match scanner.skip_space()? {
        None => return Err(incomplete(line)),
        Some(b']') => {
            scanner.advance(b']');
            if !is_inner && scanner.skip_space()?.is_some() {
                return Err(not_json(scanner.line()));
            }
            return Ok(None);
        }
        Some(b',') if *count > 0 => {
            scanner.advance(b',');
            scanner.skip_space()?;
        }
        Some(_) if *count > 0 => return Err(not_json(scanner.line())),
        Some(_) => {}
    }
    *count += 1;
    let place = Place { line: scanner.line(), user: Some(*count) };
    scanner.clear();
    match scanner.value() {
        Ok(()) => Ok(Some(Record { place, object: parse(scanner.copy()) })),
        Err(ScanError::Io(error)) => Err(error.into()),
        Err(ScanError::End) => Err(incomplete(place.line)),
        Err(ScanError::Broken) => Err(not_json(scanner.line())),
    }
}

fn next_object<R: BufRead>(
    scanner: &mut Scanner<R>,
    first: &mut Option<u64>,
) -> Result<Option<Record>, ReadError> {
    if let Some(line) = first.take() {
        return Ok(Some(Record { place: Place::line(line), object: parse(scanner.copy()) }));
    }
    if scanner.skip_space()?.is_none() {
        return Ok(None);
    }
    let place = Place::line(scanner.line());
    scanner.clear();
    match scanner.value() {
        Ok(()) => Ok(Some(Record { place, object: parse(scanner.copy()) })),
        Err(ScanError::Io(error)) => Err(error.into()),
        Err(ScanError::End | ScanError::Broken) => {
            scanner.skip_line()?;
            Ok(Some(Record { place, object: Err(NOT_AN_OBJECT.to_owned()) }))
        }
    }
}

/// Parses an object; `None` is one that is too long.
fn parse(bytes: Option<&[u8]>) -> Result<JsonObject, String> {
    match bytes {
        Some(bytes) => JsonObject::parse(bytes).map_err(|_| NOT_AN_OBJECT.to_owned()),
        None => Err(TOO_LONG.to_owned()),
    }
}

fn incomplete(line: u64) -> ReadError {
    ReadError::Refused(format!("is incomplete: it ends inside the list that contains line {line}"))
}

fn not_json(line: u64) -> ReadError {
    ReadError::Refused(format!("is not valid JSON in line {line}"))
}
