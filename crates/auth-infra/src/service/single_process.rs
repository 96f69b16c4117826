//! Detects a second server on the same SQLite file.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::location::sibling;

/// Claims a SQLite file for this process until the returned file is dropped. A warning is logged if
/// another server has claimed it. Both work, but each counts failed attempts by itself, so an attacker has twice as many.
///
/// The lock is on a file next to the database. Opening and closing the database itself would release the locks of SQLite
/// (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
pub(super) fn claim(path: &Path) -> Option<File> {
    let lock_path = sibling(path, "-server");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
    let claimed = file.map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
    match claimed {
        Ok(file) => Some(file),
        Err(TryLockError::WouldBlock) => {
            tracing::warn!(
                path = %path.display(),
                "another server uses the same SQLite file: each counts failed attempts by itself; use PostgreSQL for \
                 several nodes"
            );
            None
        }
        Err(TryLockError::Error(error)) => {
            tracing::warn!(path = %lock_path.display(), %error, "a second server on the SQLite file would not be noticed");
            None
        }
    }
}
