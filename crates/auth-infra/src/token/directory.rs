//! The key directory: one file per key, `<kid>.pem`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use auth_domain::model::Timestamp;
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::SigningKey;
use super::key_file::{self, KeyFileFlaw, KeyTimes};
use crate::strict_modes::{StrictModes, UnsafePath};

const EXTENSION: &str = ".pem";
const KID_MAX_LENGTH: usize = 64;
/// The maximum size of a key file. A usual one has about 120 or 240 bytes.
const FILE_MAX_BYTES: u64 = 16 * 1024;

/// The key directory cannot be used. The message is one line and contains nothing of a key.
#[derive(Debug, Error)]
pub enum KeyFileError {
    #[error("cannot {action} {}: {cause}", path.display())]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
    #[error("{}: the name of a key's file must be 1 to 64 of A-Z, a-z, 0-9, '_' and '-', then .pem", .0.display())]
    Name(PathBuf),
    #[error("{}", .flaw.about(path))]
    Flawed { path: PathBuf, flaw: KeyFileFlaw },
    /// Several keys of other tools: nothing in their files gives them an order.
    #[error(
        "{} and {} have no time, so no node can tell which of them signs: put a line such as \
         Signs-From: 2026-11-21T09:30:00Z before the first line of one of them", .0.display(), .1.display()
    )]
    NoTime(PathBuf, PathBuf),
    /// The clock of this machine is behind, or that of the machine that created the key was ahead.
    #[error(
        "{} was created at {time}, which is in the future: compare the clocks of the machines, or delete the file and run \
         auth-http keys rotate", path.display()
    )]
    Future { path: PathBuf, time: Timestamp },
    #[error(
        "the newest key was created at {0}, ahead of the clock of this machine: compare the clocks; keys rotate --now \
         replaces stolen keys in any case"
    )]
    ClockBehind(Timestamp),
    #[error("{} signs from {time}, more than a day from now: correct its line Signs-From", path.display())]
    FarFuture { path: PathBuf, time: Timestamp },
    /// Another account can alter the directory or a file, and so make tokens that are accepted.
    #[error(transparent)]
    Unsafe(#[from] UnsafePath),
    #[error("{} contains no key", .0.display())]
    Empty(PathBuf),
    #[error("the cryptographic library made no key")]
    NotMade,
}

/// A key file as the directory lists it. Two values differ if the file was written, replaced or given other permissions
/// in between. Its times serve this comparison only: copies of a file have others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyFile {
    pub(super) kid: String,
    modified: SystemTime,
    is_file: bool,
    mode: u32,
    size: u64,
    inode: u64,
    changed: (i64, i64),
}

/// Creates a directory of secrets for its owner only, unless it exists. Returns its mode.
///
/// # Errors
/// When it cannot be created, or when another account may alter the existing one ([`StrictModes`]).
pub fn create_private_directory(path: &Path) -> Result<u32, KeyFileError> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.map_err(|cause| failed("make the directory", path, cause))?;
    StrictModes::of_process().check(path)?;
    Ok(fs::metadata(path).map_err(|cause| failed("look at", path, cause))?.mode())
}

pub(super) struct KeyDirectory {
    path: PathBuf,
}

impl KeyDirectory {
    /// Opens the directory at `path`. A missing one is created for its owner only.
    pub(super) fn open(path: &Path) -> Result<Self, KeyFileError> {
        create_private_directory(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// The key files, by name, if only the account of the service and root may alter them. Files without `.pem` and files that begin with a point are ignored.
    pub(super) fn list(&self) -> Result<Vec<KeyFile>, KeyFileError> {
        let cannot_list = |cause| failed("list", &self.path, cause);
        let rule = StrictModes::of_process();
        rule.check(&self.path)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(cannot_list)? {
            let entry = entry.map_err(cannot_list)?;
            let name = entry.file_name();
            let name = name.to_str().filter(|name| !name.starts_with('.'));
            let Some(kid) = name.and_then(|name| name.strip_suffix(EXTENSION)) else { continue };
            if !is_kid(kid) {
                return Err(KeyFileError::Name(entry.path()));
            }
            let path = entry.path();
            let described = describe_unless_deleted(kid, &path);
            let Some(file) = described.map_err(|cause| failed("look at", &path, cause))? else { continue };
            // Anything but a file is refused when it is read, and may be a device.
            if file.is_file {
                rule.check(&path)?;
            }
            files.push(file);
        }
        files.sort_by(|a, b| a.kid.cmp(&b.kid));
        Ok(files)
    }

    /// Whether a file exists for this key. The name comes from a token that is not verified yet, and it must not lead
    /// out of the directory. A text that is not a valid name is therefore refused before it becomes a path.
    pub(super) fn holds(&self, kid: &str) -> bool {
        is_kid(kid) && fs::exists(self.path_of(kid)).unwrap_or(false)
    }

    /// Reads a key and its times.
    pub(super) fn read(&self, file: &KeyFile) -> Result<(KeyTimes, SigningKey), KeyFileError> {
        let path = self.path_of(&file.kid);
        let flawed = |flaw| KeyFileError::Flawed { path: path.clone(), flaw };
        // A pipe or a device would block or never end.
        if !file.is_file {
            return Err(flawed(KeyFileFlaw::NotAKey));
        }
        if file.size > FILE_MAX_BYTES {
            return Err(flawed(KeyFileFlaw::TooLarge));
        }
        if file.mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "the file of a signing key is accessible to others than its owner");
        }
        let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(FILE_MAX_BYTES).unwrap_or(0)));
        File::open(&path)
            .and_then(|opened| opened.take(FILE_MAX_BYTES).read_to_end(&mut content))
            .map_err(|cause| failed("read", &path, cause))?;
        let (times, private) = key_file::parse(&file.kid, &content).map_err(flawed)?;
        let key = SigningKey::new(file.kid.clone(), &private).ok_or_else(|| flawed(KeyFileFlaw::NotAKey))?;
        Ok((times, key))
    }

    /// Adds a key file, for its owner only. No reader sees a part of the file: it gets its name only after it is complete
    /// and on the disk. A crash before that leaves a draft, whose name begins with a point.
    pub(super) fn add(&self, kid: &str, content: &str) -> Result<(), KeyFileError> {
        let (path, draft) = (self.path_of(kid), self.path.join(format!(".{kid}.new")));
        let written = write_draft(&draft, content)
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| File::open(&self.path)?.sync_all());
        written.map_err(|cause| {
            // If the draft cannot be removed either, it stays, and no reader considers it.
            let _ = fs::remove_file(&draft);
            failed("write", &path, cause)
        })
    }

    pub(super) fn empty(&self) -> KeyFileError {
        KeyFileError::Empty(self.path.clone())
    }

    pub(super) fn path_of(&self, kid: &str) -> PathBuf {
        self.path.join(format!("{kid}{EXTENSION}"))
    }
}

fn is_kid(text: &str) -> bool {
    (1..=KID_MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Describes a file, or returns `None` if it was deleted since it was listed.
///
/// A link to a missing file is an error. The missing key may be the one that revokes a stolen key.
fn describe_unless_deleted(kid: &str, path: &Path) -> io::Result<Option<KeyFile>> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match describe(kid, path) {
        Err(error) if is_missing(&error) => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::NotFound, "the file that it is a link to is missing")),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        },
        described => described.map(Some),
    }
}

fn describe(kid: &str, path: &Path) -> io::Result<KeyFile> {
    let metadata = fs::metadata(path)?;
    Ok(KeyFile {
        kid: kid.to_owned(),
        modified: metadata.modified()?,
        is_file: metadata.is_file(),
        mode: metadata.mode(),
        size: metadata.size(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

fn write_draft(path: &Path, content: &str) -> io::Result<()> {
    let mut draft = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    draft.write_all(content.as_bytes())?;
    draft.sync_all()
}

fn failed(action: &'static str, path: &Path, cause: io::Error) -> KeyFileError {
    KeyFileError::Io { action, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_a_kid_is_not_looked_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = KeyDirectory::open(&dir.path().join("keys")).expect("a directory");
        for name in ["outside.pem", "keys/in.pem", "keys/.pem", "keys/a b.pem"] {
            fs::write(dir.path().join(name), "").expect("written");
        }
        assert!(keys.holds("in"));
        for other in ["../outside", "../keys/in", "./in", "", "a b", "in\0", "in/", "other"] {
            assert!(!keys.holds(other), "{other:?}");
        }
        assert!(!keys.holds(&dir.path().join("outside").display().to_string()));
    }

    #[test]
    fn a_key_that_cannot_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = KeyDirectory::open(dir.path()).expect("a directory");
        // Nothing can be renamed onto a directory that has something in it.
        fs::create_dir_all(dir.path().join("kid.pem/full")).expect("a directory");
        let said = keys.add("kid", "pem").expect_err("in the way").to_string();
        assert!(said.contains("kid.pem") && !said.contains('\n'), "{said}");
        assert_eq!(fs::read_dir(dir.path()).expect("a list").count(), 1);
    }
}
