//! The signing keys of a directory.

use std::iter;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use auth_domain::model::Timestamp;
use auth_domain::ports::{Clock, SecureRandom};
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};

use super::algorithm::KeyAlgorithm;
use super::directory::{KeyDirectory, KeyFile, KeyFileError};
use super::key::SigningKey;
use super::key_file::{self, KeyTimes};
use super::validity::{KeyUse, Takeover, TokenLifetimes, Validity};

const SECOND: Duration = Duration::from_secs(1);
/// The interval between two reports of the same error.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// How far the creation of a key may be in the future. The clocks of nodes differ by less.
const MAX_AHEAD: Duration = Duration::from_secs(60);
/// The maximum time from now to the takeover of a key.
const MAX_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The keys of a directory. One signs, and the older ones verify what they signed.
///
/// - Each key is a file `<kid>.pem` with one private key, Ed25519 or P-256, and the lines `Created` and `Signs-From` before
///   it (ADR 0010). The keys are in the order of these times, and of their names if these are equal. Without the lines the
///   time in the name counts. A key of another tool may have no time. It is then before all others, and there may be one.
/// - [`rotate`](Self::rotate) publishes a key before it signs. The last key whose time has come signs. The first key of a
///   directory signs at once, because no verifier can have cached a key set without it.
/// - An empty directory gets a key. Several processes may share a directory and start at once. Each that finds it
///   empty adds a key, and all of them end up with the same keys.
/// - A file that is added, replaced or deleted takes effect at the next [`reload_if_changed`](Self::reload_if_changed),
///   which the service calls once a second. A token of a key that was just added is verified even earlier, because its
///   `kid` leads to the file.
/// - A key is superseded when its successor takes over. From then on it verifies only tokens that are dated before that and
///   that expire within the access lifetime after it. A thief of the key cannot make tokens that live longer. The key is
///   published until its last access token has expired. It is ignored when its last self-renewing token can no longer be
///   renewed ([`TokenLifetimes`]), and its file may be deleted then.
/// - A key with the line `Revokes-Earlier` ends all earlier keys at once and signs, whatever its date.
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
    /// `None` for a key of another tool that has no time.
    pub created: Option<Timestamp>,
    pub used: KeyUse,
}

/// When a new key starts to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// After it has been published for this time. It has to exceed the time for which verifiers cache the key set.
    After(Duration),
    /// At once. Every earlier key is revoked, because one of them was stolen.
    Now,
}

/// The keys of one reading of the directory.
pub(super) struct Keys {
    newest: Arc<ScheduledKey>,
    older: Vec<Arc<ScheduledKey>>,
}

/// A key and the period in which it is valid.
pub(super) struct ScheduledKey {
    pub(super) key: SigningKey,
    pub(super) validity: Validity,
    times: KeyTimes,
}

struct LastRead {
    files: Vec<KeyFile>,
    /// Whether the keys could not be read. The next attempt may succeed although the directory is unchanged.
    failed: bool,
    /// The error that was logged last, and when.
    logged: Option<(String, Instant)>,
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
            let created = clock.now().whole_seconds();
            let times = KeyTimes { created: Some(created), ..KeyTimes::default() };
            make_key(&directory, algorithm, &name_key(created, &*random), &times)?;
        }
        // Listed again, because another process may have added a key at the same time.
        let files = directory.list()?;
        let keys = RwLock::new(Arc::new(Keys::read(&directory, &files, lifetimes, clock.now())?));
        let last_read = Mutex::new(LastRead { files, failed: false, logged: None });
        Ok(Self { directory, algorithm, lifetimes, clock, random, keys, last_read })
    }

    /// Reads the keys again if the directory has changed, and returns whether they were replaced. If they cannot be read,
    /// the current keys stay. An error in the log reports why, at once and then once a minute.
    pub fn reload_if_changed(&self) -> bool {
        self.reload_or_log(true)
    }

    /// Makes a new key. The older keys stay and verify what they have signed, unless they are revoked.
    ///
    /// # Errors
    /// If the directory cannot be written, or cannot be read completely: then no process would read the new key either.
    pub fn rotate(&self, rotation: Rotation) -> Result<KeyInfo, KeyFileError> {
        let newest = read_files(&self.directory, &self.directory.list()?)?.pop();
        let newest = newest.map(|(times, _)| times).unwrap_or_default();
        let after = |time: Option<Timestamp>| time.map_or(Timestamp::UNIX_EPOCH, |time| time.plus(SECOND));
        let now = self.clock.now().whole_seconds();
        // The names of keys are in the order of their creation, and their times are too, although clocks differ.
        let created = now.max(after(newest.created));
        let times = KeyTimes {
            created: Some(created),
            signs_from: Some(match rotation {
                Rotation::After(delay) => created.plus(delay).max(after(newest.start())),
                Rotation::Now => created.max(after(newest.start())),
            }),
            revokes_earlier: rotation == Rotation::Now,
        };
        if rotation != Rotation::Now && created > now.plus(MAX_AHEAD) {
            return Err(KeyFileError::ClockBehind(created));
        }
        let kid = name_key(created, &*self.random);
        make_key(&self.directory, self.algorithm, &kid, &times)?;
        self.reload(true)?;
        self.list().into_iter().find(|key| key.kid == kid).ok_or_else(|| self.directory.empty())
    }

    /// The algorithm of the newest key, which signs or will sign. It differs from that of new keys until the next rotation
    /// if the setting has changed.
    #[must_use]
    pub fn newest_algorithm(&self) -> KeyAlgorithm {
        self.current().newest.key.algorithm
    }

    /// The names of the key that signs and of the newest key. Nodes that share their keys agree on both.
    #[must_use]
    pub fn signing_and_newest(&self) -> (String, String) {
        let keys = self.current();
        (keys.signing(self.clock.now()).key.kid.clone(), keys.newest.key.kid.clone())
    }

    /// The keys, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        let (keys, now) = (self.current(), self.clock.now());
        let info = keys.iter().map(|found| KeyInfo {
            kid: found.key.kid.clone(),
            algorithm: found.key.algorithm,
            created: found.times.created,
            used: found.validity.used_at(now),
        });
        info.collect()
    }

    /// The public keys of the access tokens in circulation and of the next key, newest first, as a JWK set (RFC 7517, section 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let (keys, now) = (self.current(), self.clock.now());
        let public = keys.iter().filter(|found| found.validity.is_published(now));
        json!({ "keys": public.map(|found| &found.key.jwk).collect::<Vec<_>>() })
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read())
    }

    /// The key that signs now.
    pub(super) fn signing(&self) -> Arc<ScheduledKey> {
        Arc::clone(self.current().signing(self.clock.now()))
    }

    /// The key with this name, unless it is retired or revoked. If an unknown name has a file, the directory is read again at once,
    /// so that a token of a new key is not refused. A name without a file, as a forger would choose, costs one look at
    /// the file system. So does a file that could not be read before.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        let found = self.current().find(kid).or_else(|| {
            if !self.directory.holds(kid) {
                return None;
            }
            self.reload_or_log(false);
            self.current().find(kid)
        });
        found.filter(|found| self.is_in_use(found))
    }

    /// Whether the ring still contains this very key, and it verifies. A reading of the directory replaces all
    /// keys, because a file may have changed and each validity has.
    pub(super) fn holds(&self, key: &Weak<ScheduledKey>) -> bool {
        let keys = self.keys.read();
        keys.iter()
            .find(|found| ptr::eq(Arc::as_ptr(found), key.as_ptr()))
            .is_some_and(|found| self.is_in_use(found))
    }

    fn is_in_use(&self, found: &ScheduledKey) -> bool {
        found.validity.is_in_use(self.clock.now())
    }

    fn reload_or_log(&self, retry: bool) -> bool {
        self.reload(retry).unwrap_or_else(|error| {
            self.last_read.lock().log(error.to_string());
            false
        })
    }

    /// Reads the keys again if the directory has changed or, with `retry`, if the last reading failed.
    fn reload(&self, retry: bool) -> Result<bool, KeyFileError> {
        let mut last_read = self.last_read.lock();
        let files = self.directory.list()?;
        if files == last_read.files && !(retry && last_read.failed) {
            return Ok(false);
        }
        let read = Keys::read(&self.directory, &files, self.lifetimes, self.clock.now());
        // Recorded even after an error, so that tokens with unknown names do not cause further attempts.
        last_read.files = files;
        last_read.failed = read.is_err();
        let keys = Arc::new(read?);
        last_read.logged = None;
        let signs = &keys.signing(self.clock.now()).key.kid;
        tracing::info!(signs, verify = keys.iter().count(), "read the signing keys");
        *self.keys.write() = keys;
        Ok(true)
    }
}

impl LastRead {
    /// Logs why the keys cannot be read, unless the same error was logged less than a minute ago.
    fn log(&mut self, error: String) {
        let is_logged = |(last, time): &(String, Instant)| *last == error && time.elapsed() < LOG_INTERVAL;
        if !self.logged.as_ref().is_some_and(is_logged) {
            tracing::error!(error, "the signing keys cannot be read again; the current keys stay in use");
            self.logged = Some((error, Instant::now()));
        }
    }
}

impl Keys {
    /// Reads the keys of these files. Each key supersedes the one before it in their order.
    fn read(
        directory: &KeyDirectory,
        files: &[KeyFile],
        lifetimes: TokenLifetimes,
        now: Timestamp,
    ) -> Result<Self, KeyFileError> {
        let read = read_files(directory, files)?;
        let all_times: Vec<_> = read.iter().map(|(times, _)| *times).collect();
        // No key before the last one that revokes the earlier ones is valid, whatever the dates are.
        let first_valid = all_times.iter().rposition(|times| times.revokes_earlier).unwrap_or(0);
        let mut keys = Vec::with_capacity(read.len());
        for (index, (times, key)) in read.into_iter().enumerate() {
            let validity = if index < first_valid {
                Validity::Revoked
            } else {
                let is_first = index == first_valid;
                // The first key has no predecessor that it could keep alive.
                if !is_first {
                    check_times(&directory.path_of(&key.kid), &times, now)?;
                }
                Validity::Valid {
                    from: times.start().filter(|_| !is_first).unwrap_or(Timestamp::UNIX_EPOCH),
                    takeover: all_times.get(index + 1).map(Takeover::of),
                    lifetimes,
                }
            };
            keys.push(Arc::new(ScheduledKey { key, validity, times }));
        }
        keys.reverse();
        let mut keys = keys.into_iter();
        Ok(Self { newest: keys.next().ok_or_else(|| directory.empty())?, older: keys.collect() })
    }

    /// The last key whose time has come. The first valid key has no other time than the beginning of time.
    fn signing(&self, now: Timestamp) -> &Arc<ScheduledKey> {
        self.iter().find(|found| found.validity.is_started(now)).unwrap_or(&self.newest)
    }

    /// The keys, newest first.
    fn iter(&self) -> impl Iterator<Item = &Arc<ScheduledKey>> {
        iter::once(&self.newest).chain(&self.older)
    }

    fn find(&self, kid: &str) -> Option<Arc<ScheduledKey>> {
        self.iter().find(|found| found.key.kid == kid).cloned()
    }
}

/// Reads the keys of these files in their order: by time, then by name.
fn read_files(
    directory: &KeyDirectory,
    files: &[KeyFile],
) -> Result<Vec<(KeyTimes, SigningKey)>, KeyFileError> {
    let mut keys = files.iter().map(|file| directory.read(file)).collect::<Result<Vec<_>, _>>()?;
    keys.sort_by(|(a, a_key), (b, b_key)| (a.start(), &a_key.kid).cmp(&(b.start(), &b_key.kid)));
    match keys.as_slice() {
        [(first, a), (second, b), ..] if first.start().is_none() && second.start().is_none() => {
            Err(KeyFileError::NoTime(directory.path_of(&a.kid), directory.path_of(&b.kid)))
        }
        _ => Ok(keys),
    }
}

/// Refuses a key from the future. Until its time comes, its predecessor would sign and verify.
fn check_times(path: &Path, times: &KeyTimes, now: Timestamp) -> Result<(), KeyFileError> {
    let (path, latest) = (path.to_owned(), now.plus(MAX_AHEAD));
    if let Some(time) = times.created.filter(|created| *created > latest) {
        return Err(KeyFileError::Future { path, time });
    }
    match times.signs_from.filter(|signs_from| *signs_from > latest.plus(MAX_DELAY)) {
        Some(time) => Err(KeyFileError::FarFuture { path, time }),
        None => Ok(()),
    }
}

/// The algorithm of the newest key in the directory at `path`; `None` if the directory is missing or empty. Unlike
/// [`KeyRing::open`], it creates neither a directory nor a key.
///
/// # Errors
/// If the service could not read the keys.
pub fn read_newest_algorithm(path: &Path, now: Timestamp) -> Result<Option<KeyAlgorithm>, KeyFileError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let directory = KeyDirectory::open(path)?;
    let files = directory.list()?;
    if files.is_empty() {
        return Ok(None);
    }
    // The lifetimes decide nothing about the newest key.
    let lifetimes =
        TokenLifetimes { access: Duration::ZERO, renewal: Duration::ZERO, leeway: Duration::ZERO };
    Ok(Some(Keys::read(&directory, &files, lifetimes, now)?.newest.key.algorithm))
}

/// A name such as `2026-11-21T093000Z-1f3a5b7c`: the time of creation and 32 random bits. Names are therefore in the order of
/// time, and two processes that make a key in the same second make two.
fn name_key(created: Timestamp, random: &dyn SecureRandom) -> String {
    let mut suffix = [0; 4];
    random.fill(&mut suffix);
    format!("{}-{:08x}", created.to_string().replace(':', ""), u32::from_be_bytes(suffix))
}

fn make_key(
    directory: &KeyDirectory,
    algorithm: KeyAlgorithm,
    kid: &str,
    times: &KeyTimes,
) -> Result<(), KeyFileError> {
    let pkcs8 = algorithm.generate().map_err(|_| KeyFileError::NotMade)?;
    directory.add(kid, &key_file::write(times, &pkcs8).ok_or(KeyFileError::NotMade)?)
}
