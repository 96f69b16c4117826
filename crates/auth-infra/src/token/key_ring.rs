//! The signing keys of a directory.

use std::fmt::Write;
use std::iter;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom};
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};

use super::algorithm::KeyAlgorithm;
use super::directory::{KeyDirectory, KeyFile, KeyFileError};
use super::key::{SigningKey, generate_pem};
use super::validity::{KeyUse, TokenLifetimes, Validity};

/// The keys of a directory. The newest signs, and the older ones verify what they signed.
///
/// - Each key is a file `<kid>.pem` with one private key in PKCS#8 PEM, Ed25519 or P-256, as this ring or
///   `openssl genpkey` writes it. The newest is the one written last. Of two written at the same time, it is the one with
///   the greater name.
/// - An empty directory gets a key. Several processes may share a directory and start at once. Each that finds it
///   empty adds a key, and all of them end up with the same keys.
/// - A file that is added, replaced or deleted takes effect at the next [`reload_if_changed`](Self::reload_if_changed),
///   which the service calls once a second. A token of a key that was just added is verified even earlier, because its
///   `kid` leads to the file.
/// - A key is superseded when its successor's file is installed in the directory. From then on it verifies only tokens
///   that are dated at most a minute later and that expire within the access lifetime after that. A thief of the key
///   cannot make tokens that live longer. The key is published until its last access token has expired. It is ignored
///   when its last self-renewing token can no longer be renewed ([`TokenLifetimes`]), and its file may be deleted then.
/// - If the directory cannot be read, the current keys stay.
///
/// Reading the directory blocks for microseconds, or for milliseconds on a network file system.
pub struct KeyRing {
    directory: KeyDirectory,
    /// The algorithm of new keys.
    algorithm: KeyAlgorithm,
    lifetimes: TokenLifetimes,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    keys: RwLock<Arc<Keys>>,
    /// The directory as it was read last. The lock is held during a read, so that one thread reads it at a time.
    last_read: Mutex<LastRead>,
}

/// The public properties of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The `kid` of the tokens that it signs.
    pub kid: String,
    pub algorithm: KeyAlgorithm,
    /// The modification time of its file.
    pub created: Timestamp,
    pub used: KeyUse,
}

/// The keys of one reading of the directory.
pub(super) struct Keys {
    /// The key that signs.
    pub(super) newest: Arc<ScheduledKey>,
    older: Vec<Arc<ScheduledKey>>,
}

/// A key and the period in which it is valid.
pub(super) struct ScheduledKey {
    pub(super) key: SigningKey,
    pub(super) validity: Validity,
}

struct LastRead {
    files: Vec<KeyFile>,
    /// Whether the system refused to read a file. The next attempt may succeed although the directory is unchanged.
    incomplete: bool,
}

impl KeyRing {
    /// Reads the keys of the directory at `path`. A missing directory is created for its owner only, and an empty one
    /// gets a key of `algorithm`. Existing keys keep their own algorithm.
    ///
    /// # Errors
    /// If the directory cannot be read or written, or contains a `.pem` file that is not a key.
    pub fn open(
        path: &Path,
        algorithm: KeyAlgorithm,
        lifetimes: TokenLifetimes,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Result<Self, KeyFileError> {
        let directory = KeyDirectory::open(path)?;
        if directory.list()?.is_empty() {
            make_key(&directory, algorithm, clock.now(), &*random)?;
        }
        // Listed again, because another process may have added a key at the same time.
        let files = directory.list()?;
        let keys = RwLock::new(Arc::new(Keys::read(&directory, &files, lifetimes)?));
        let last_read = Mutex::new(LastRead { files, incomplete: false });
        Ok(Self { directory, algorithm, lifetimes, clock, random, keys, last_read })
    }

    /// Reads the keys again if the directory has changed, and returns whether they were replaced. If they cannot be read,
    /// the current keys stay. A warning reports why: once for an invalid file, each time for an error of the system.
    pub fn reload_if_changed(&self) -> bool {
        self.reload_or_warn(true)
    }

    /// Makes a new key, which signs from now on. The older keys stay and verify what they have signed.
    ///
    /// # Errors
    /// If the directory cannot be written, or cannot be read completely: then no process would read the new key either.
    pub fn rotate(&self) -> Result<KeyInfo, KeyFileError> {
        let newest = Keys::read(&self.directory, &self.directory.list()?, self.lifetimes)?.newest;
        // The new key has to be newer than the newest, even if the clock has stepped back.
        let created = self.clock.now().max(newest.key.created.plus(Duration::from_secs(1)));
        let kid = make_key(&self.directory, self.algorithm, created, &*self.random)?;
        self.reload(true)?;
        self.list().into_iter().find(|key| key.kid == kid).ok_or_else(|| self.directory.empty())
    }

    /// The algorithm of the key that signs. It differs from that of new keys until the next rotation if the setting has
    /// changed.
    #[must_use]
    pub fn signing_algorithm(&self) -> KeyAlgorithm {
        self.current().newest.key.algorithm
    }

    /// The keys, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        let (keys, now) = (self.current(), self.clock.now());
        let info = keys.iter().map(|found| KeyInfo {
            kid: found.key.kid.clone(),
            algorithm: found.key.algorithm,
            created: found.key.created,
            used: found.validity.used_at(now),
        });
        info.collect()
    }

    /// The public keys of the access tokens in circulation, newest first, as a JWK set (RFC 7517, section 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let (keys, now) = (self.current(), self.clock.now());
        let public = keys
            .iter()
            .filter(|found| matches!(found.validity.used_at(now), KeyUse::Signs | KeyUse::Verifies { .. }));
        json!({ "keys": public.map(|found| &found.key.jwk).collect::<Vec<_>>() })
    }

    pub(super) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read())
    }

    /// The key with this name, unless it is retired. If an unknown name has a file, the directory is read again at once,
    /// so that a token of a new key is not refused. A name without a file, as a forger would choose, costs one look at
    /// the file system. So does a file that could not be read before.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        let found = self.current().find(kid).or_else(|| {
            if !self.directory.holds(kid) {
                return None;
            }
            self.reload_or_warn(false);
            self.current().find(kid)
        });
        found.filter(|found| self.is_in_use(found))
    }

    /// Whether the ring still contains this very key, and it is not retired. A reading of the directory replaces all
    /// keys, because a file may have changed and each validity has.
    pub(super) fn holds(&self, key: &Weak<ScheduledKey>) -> bool {
        let keys = self.keys.read();
        keys.iter()
            .find(|found| ptr::eq(Arc::as_ptr(found), key.as_ptr()))
            .is_some_and(|found| self.is_in_use(found))
    }

    fn is_in_use(&self, found: &ScheduledKey) -> bool {
        found.validity.used_at(self.clock.now()) != KeyUse::Retired
    }

    fn reload_or_warn(&self, retry: bool) -> bool {
        self.reload(retry).unwrap_or_else(|error| {
            tracing::warn!(%error, "the signing keys cannot be read again; the current keys stay in use");
            false
        })
    }

    /// Reads the keys again if the directory has changed or, with `retry`, if the last reading was incomplete.
    fn reload(&self, retry: bool) -> Result<bool, KeyFileError> {
        let mut last_read = self.last_read.lock();
        let files = self.directory.list()?;
        if files == last_read.files && !(retry && last_read.incomplete) {
            return Ok(false);
        }
        let read = Keys::read(&self.directory, &files, self.lifetimes);
        let incomplete = matches!(read, Err(KeyFileError::Io { .. }));
        // Recorded even after an error, so that an invalid file is reported once and not at every reload.
        *last_read = LastRead { files, incomplete };
        let keys = Arc::new(read?);
        tracing::info!(signs = keys.newest.key.kid, verify = keys.iter().count(), "read the signing keys");
        *self.keys.write() = keys;
        Ok(true)
    }
}

impl Keys {
    /// Reads the keys of these files, newest first. Each key supersedes the one after it in the list.
    fn read(
        directory: &KeyDirectory,
        files: &[KeyFile],
        lifetimes: TokenLifetimes,
    ) -> Result<Self, KeyFileError> {
        let mut successor: Option<&KeyFile> = None;
        let mut keys = files.iter().map(|file| {
            let validity = Validity::new(successor.map(KeyFile::installed), lifetimes);
            successor = Some(file);
            Ok(Arc::new(ScheduledKey { key: directory.read(file)?, validity }))
        });
        let newest = keys.next().ok_or_else(|| directory.empty())??;
        Ok(Self { newest, older: keys.collect::<Result<_, _>>()? })
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<ScheduledKey>> {
        iter::once(&self.newest).chain(&self.older)
    }

    fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        self.iter().find(|found| found.key.kid == kid).cloned()
    }
}

/// The algorithm of the key that signs in the directory at `path`; `None` if the directory is missing or empty. Unlike
/// [`KeyRing::open`], it creates neither a directory nor a key.
///
/// # Errors
/// If the directory cannot be read, or its newest `.pem` file is not a key.
pub fn read_signing_algorithm(path: &Path) -> Result<Option<KeyAlgorithm>, KeyFileError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let directory = KeyDirectory::open(path)?;
    let files = directory.list()?;
    files.first().map(|newest| directory.read(newest).map(|key| key.algorithm)).transpose()
}

/// Makes a key. Its name, such as `2026-11-21T093000Z-1f3a5b7c`, is the time and 32 random bits. Names are therefore in the
/// order of time, and two processes that make a key in the same second make two.
fn make_key(
    directory: &KeyDirectory,
    algorithm: KeyAlgorithm,
    now: Timestamp,
    random: &dyn SecureRandom,
) -> Result<String, KeyFileError> {
    let created = now.whole_seconds();
    let mut suffix = [0; 4];
    random.fill(&mut suffix);
    let mut kid = created.to_string().replace(':', "");
    // Writing to a string does not fail.
    let _ = write!(kid, "-{:08x}", u32::from_be_bytes(suffix));
    let pem = generate_pem(algorithm).map_err(|_| KeyFileError::NotMade)?;
    directory.add(&kid, &pem, created)?;
    Ok(kid)
}
