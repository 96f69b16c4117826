//! Reads the users of an import from a file, in any format that [`ImportFile::open`] recognises, one after another.
//!
//! A file may be larger than memory: it is read once, and a user has at most 64 KiB. No error contains a value of the file,
//! because a value may be a password or a hash.

mod account;
mod csv_records;
mod export;
mod exports;
mod firebase_config;
mod json_records;
mod lines;
mod scanner;
mod source;
mod text;
mod utf16;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read};

use auth_domain::model::{Roles, Timestamp};
use auth_domain::use_cases::ImportUser;
use thiserror::Error;

use self::csv_records::CsvRecords;
use self::export::Mapped;
use self::json_records::JsonRecords;
use self::source::Input;
use crate::request::JsonObject;

pub use self::export::Export;
pub use self::firebase_config::{FirebaseConfig, InvalidFirebaseConfig};

const TOO_LONG: &str = "is longer than 65536 bytes";

const NOT_AN_OBJECT: &str = "is no JSON object in UTF-8, or one that has a member twice";

/// The file cannot be read to its end. The text of a refusal follows the words "the file".
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    #[error("the file {0}")]
    Refused(String),
}

/// How users are read.
#[derive(Debug)]
pub struct ImportOptions {
    /// The service that wrote the file. `None`: it is recognised by the first user.
    pub from: Option<Export>,
    /// Whether unknown members are left out. Otherwise they are an error.
    pub ignore_unknown: bool,
    /// The roles of a user without any.
    pub default_roles: Roles,
    /// The hash parameters of Firebase.
    pub firebase: Option<FirebaseConfig>,
    /// The time at which the import began: a ban that has ended before it does not count.
    pub now: Timestamp,
}

/// Where a user is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: u64,
    /// The number in an array, which may have all users in one line.
    user: Option<u64>,
}

impl Place {
    fn line(line: u64) -> Self {
        Self { line, user: None }
    }

    /// The number of the line; the first is 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            Some(user) => write!(f, "user {user} in line {}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A user of the file.
#[derive(Debug)]
pub struct Entry {
    pub place: Place,
    /// The user, or the reason why it cannot be imported.
    pub user: Result<ImportUser, String>,
}

/// An object of the file, before it is read as a user.
struct Record {
    place: Place,
    object: Result<JsonObject, String>,
}

/// A file with users.
pub struct ImportFile {
    records: Records,
    options: ImportOptions,
    export: Option<Export>,
    left_out: BTreeMap<String, u64>,
    skipped: u64,
}

enum Records {
    Json(JsonRecords<BufReader<Input>>),
    Csv(CsvRecords<BufReader<Input>>),
    Empty,
}

impl ImportFile {
    /// Recognises the format of a file.
    ///
    /// # Errors
    /// [`ReadError`] if the file is in none of the formats that are read.
    pub fn open(input: impl Read + Send + 'static, options: ImportOptions) -> Result<Self, ReadError> {
        let (head, text) = source::peek(Box::new(source::decode(Box::new(input))?))?;
        let text = BufReader::with_capacity(1 << 16, text);
        let records = match head.trim_ascii_start().first() {
            None if head.len() < source::HEAD_BYTES => Records::Empty,
            Some(b'{' | b'[') => Records::Json(JsonRecords::open(text)?),
            _ if has_object_line(&head) => Records::Json(JsonRecords::lines(text)),
            _ => {
                if let Some(what) = text::recognise(&head) {
                    return Err(ReadError::Refused(what.to_owned()));
                }
                let columns = options.from.and_then(Export::columns);
                Records::Csv(CsvRecords::open(text, columns, Export::knows_column)?)
            }
        };
        let export = options.from;
        Ok(Self { records, options, export, left_out: BTreeMap::new(), skipped: 0 })
    }

    /// Returns the next user, or `None` at the end of the file.
    ///
    /// # Errors
    /// [`ReadError`] if the rest of the file cannot be read.
    pub fn next_user(&mut self) -> Result<Option<Entry>, ReadError> {
        while let Some(Record { place, object }) = self.records.next()? {
            let user = match object {
                Ok(object) => self.read(object),
                Err(reason) => Some(Err(reason)),
            };
            match user {
                Some(user) => return Ok(Some(Entry { place, user })),
                None => self.skipped += 1,
            }
        }
        Ok(None)
    }

    /// The service that wrote the file, as it was given or recognised. `None` before the first object.
    #[must_use]
    pub fn export(&self) -> Option<Export> {
        self.export
    }

    /// How many users have each of the members that were left out.
    #[must_use]
    pub fn left_out(&self) -> &BTreeMap<String, u64> {
        &self.left_out
    }

    /// The number of objects that are no users.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Reads an object as a user. `None` if it is none.
    fn read(&mut self, object: JsonObject) -> Option<Result<ImportUser, String>> {
        let export = *self.export.get_or_insert_with(|| Export::of(&object));
        match export.map(object, &self.options) {
            Ok(Mapped::User { object, left_out }) => {
                for name in left_out {
                    // A file with a random name in each object must not fill the memory.
                    if self.left_out.len() < 1_000 || self.left_out.contains_key(&name) {
                        *self.left_out.entry(name).or_default() += 1;
                    }
                }
                Some(account::read(&object, &self.options.default_roles))
            }
            Ok(Mapped::Other) => None,
            Err(reason) => Some(Err(reason)),
        }
    }
}

/// Whether one of the first lines is a JSON object: the file has JSON lines, and the first one is bad.
fn has_object_line(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.any(|line| line.starts_with(b"{") && JsonObject::parse(line).is_ok())
}

impl Records {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        match self {
            Self::Json(records) => records.next(),
            Self::Csv(records) => records.next(),
            Self::Empty => Ok(None),
        }
    }
}

/// A name as an error shows it. A text that is unlike a name may be a value, such as a password or a hash, in the place of a
/// name.
fn printable(name: &str) -> String {
    let is_name = !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.: ".contains(&byte));
    if is_name { format!("`{name}`") } else { "that is not shown, because it is unlike a name".to_owned() }
}

#[cfg(test)]
mod tests;
