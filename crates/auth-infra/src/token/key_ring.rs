//! The keys in force.

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

/// The keys of a directory: the newest signs, and those before it verify what they signed.
///
/// - Each is a file `<kid>.pem` with one private key in PKCS#8 PEM, Ed25519 or P-256, as this ring or
///   `openssl genpkey` writes it. The newest is the one written last and, of two written at the same time, the one
///   with the greater name.
/// - An empty directory gets a key. Several processes may share a directory and start at once: each that finds it
///   empty adds a key, and all of them end up with the same keys.
/// - A file that is added, replaced or deleted counts from the next [`reload_if_changed`](Self::reload_if_changed) on,
///   which is meant to be called once a second. A token signed by a key that has just been added is verified even
///   before: its `kid` leads to the file.
/// - A key whose successor has taken over, which is when the successor's file came into the directory, verifies tokens
///   that it may have signed until a minute after that, and that expire within the longest lifetime from then on:
///   whoever steals it later can make none that serves longer. It is published until the last access token that it
///   signed has expired, and ignored when the last token that renews itself cannot do so any more ([`TokenLifetimes`]). Its file
///   may be deleted then.
/// - When the directory cannot be read as it is now, the keys that were in force stay in force.
///
/// A read of the directory blocks for some microseconds, for milliseconds on a network file system.
pub struct KeyRing {
    directory: KeyDirectory,
    /// The algorithm of keys that are made from now on.
    algorithm: KeyAlgorithm,
    lifetimes: TokenLifetimes,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    keys: RwLock<Arc<Keys>>,
    /// What the directory was like when it was read last. ScheduledKey while it is read.
    last_read: Mutex<LastRead>,
}

/// What is public of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name: the `kid` of the tokens that it signs.
    pub kid: String,
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// When it was made: the time of its file.
    pub created: Timestamp,
    /// What it is good for now.
    pub used: KeyUse,
}

/// Keys that are in force together.
pub(super) struct Keys {
    newest: Arc<ScheduledKey>,
    older: Vec<Arc<ScheduledKey>>,
}

/// A key that is kept.
pub(super) struct ScheduledKey {
    pub(super) key: SigningKey,
    /// What follows from when another took over.
    pub(super) validity: Validity,
}

struct LastRead {
    files: Vec<KeyFile>,
    /// Whether a file could not be read: it may be read the next time, although nothing changes in the directory.
    unread: bool,
}

impl KeyRing {
    /// Reads the keys of the directory at `path`; makes the directory, for its owner alone, when there is none, and
    /// a key of `algorithm` when there is none in it. Keys that are there already keep their own algorithm.
    ///
    /// # Errors
    /// When the directory cannot be read or written, or has a `.pem` file that is not a key.
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
        let files = directory.list()?;
        let keys = RwLock::new(Arc::new(Keys::read(&directory, &files, lifetimes)?));
        let last_read = Mutex::new(LastRead { files, unread: false });
        Ok(Self { directory, algorithm, lifetimes, clock, random, keys, last_read })
    }

    /// Reads the keys again if the directory has changed; whether they were replaced. If they cannot be read, those
    /// in force stay, and a warning says why: once for a file that is not a key, each time if the system refuses.
    pub fn reload_if_changed(&self) -> bool {
        self.reload_or_warn(true)
    }

    /// Makes a new key, which signs from now on. The others stay: they verify what they have signed.
    ///
    /// # Errors
    /// When the directory cannot be written, or cannot be read whole: nobody would read the new key either.
    pub fn rotate(&self) -> Result<KeyInfo, KeyFileError> {
        let newest = self.read(&self.directory.list()?)?.newest.key.created();
        // Whatever the clock says, the new key is to be newer than the newest.
        let created = self.clock.now().max(newest.plus(Duration::from_secs(1)));
        let kid = make_key(&self.directory, self.algorithm, created, &*self.random)?;
        self.reload(true)?;
        self.list().into_iter().find(|key| key.kid == kid).ok_or_else(|| self.directory.empty())
    }

    /// The keys, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        let keys = self.current();
        let now = self.clock.now();
        let info = |ScheduledKey { key, validity }: &ScheduledKey| KeyInfo {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm(),
            created: key.created(),
            used: validity.used_at(now),
        };
        keys.iter().map(|held| info(held)).collect()
    }

    /// The public keys that access tokens in circulation may be verified with, newest first, as a JWK set (RFC 7517,
    /// section 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let (keys, now) = (self.current(), self.clock.now());
        let is_public = |held: &&Arc<ScheduledKey>| {
            matches!(held.validity.used_at(now), KeyUse::Signs | KeyUse::Verifies { .. })
        };
        json!({ "keys": keys.iter().filter(is_public).map(|held| held.key.jwk()).collect::<Vec<_>>() })
    }

    /// The keys in force.
    pub(super) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read())
    }

    /// The key of this name, unless it is retired. If it is not in force but has a file, the directory is read again at
    /// once: a token by a new key must not be refused. A name without a file, as a forger would choose, costs a look at
    /// the file system and no more; so does a file that could not be read before.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        let found = self.current().find(kid).or_else(|| {
            if !self.directory.holds(kid) {
                return None;
            }
            self.reload_or_warn(false);
            self.current().find(kid)
        });
        found.filter(|held| self.is_in_use(held))
    }

    /// Whether this very key is still held, and not retired. When the directory has been read again, none is that was
    /// held before: its file may have changed, and its validity has.
    pub(super) fn holds(&self, key: &Weak<ScheduledKey>) -> bool {
        let keys = self.keys.read();
        keys.iter()
            .find(|held| ptr::eq(Arc::as_ptr(held), key.as_ptr()))
            .is_some_and(|held| self.is_in_use(held))
    }

    fn is_in_use(&self, held: &ScheduledKey) -> bool {
        held.validity.used_at(self.clock.now()) != KeyUse::Retired
    }

    fn read(&self, files: &[KeyFile]) -> Result<Keys, KeyFileError> {
        Keys::read(&self.directory, files, self.lifetimes)
    }

    fn reload_or_warn(&self, retry: bool) -> bool {
        self.reload(retry).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the signing keys cannot be read again; those in force stay");
            false
        })
    }

    /// Reads the keys again if the directory has changed or, if `retry` says so, if not everything could be read.
    fn reload(&self, retry: bool) -> Result<bool, KeyFileError> {
        let mut last_read = self.last_read.lock();
        let files = self.directory.list()?;
        if files == last_read.files && !(retry && last_read.unread) {
            return Ok(false);
        }
        let read = self.read(&files);
        let unread = matches!(read, Err(KeyFileError::Io { .. }));
        *last_read = LastRead { files, unread };
        let keys = Arc::new(read?);
        tracing::info!(signs = keys.newest.key.kid(), verify = keys.iter().count(), "read the signing keys");
        *self.keys.write() = keys;
        Ok(true)
    }
}

impl Keys {
    /// Reads the keys of these files, newest first. Each took over from the one behind it.
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

    /// The key that signs.
    pub(super) fn newest(&self) -> &SigningKey {
        &self.newest.key
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<ScheduledKey>> {
        iter::once(&self.newest).chain(&self.older)
    }

    fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        self.iter().find(|held| held.key.kid() == kid).cloned()
    }
}

/// Makes a key. Its name, such as `2026-11-21T093000Z-1f3a5b7c`, is the time and 32 random bits, so that names are in
/// the order of time, and two processes that make a key in the same second make two.
fn make_key(
    directory: &KeyDirectory,
    algorithm: KeyAlgorithm,
    now: Timestamp,
    random: &dyn SecureRandom,
) -> Result<String, KeyFileError> {
    let created = now.whole_seconds();
    let mut distinction = [0; 4];
    random.fill(&mut distinction);
    let mut kid = created.to_string().replace(':', "");
    // Writing to a string does not fail.
    let _ = write!(kid, "-{:08x}", u32::from_be_bytes(distinction));
    let pem = generate_pem(algorithm).map_err(|_| KeyFileError::NotMade)?;
    directory.add(&kid, &pem, created)?;
    Ok(kid)
}
