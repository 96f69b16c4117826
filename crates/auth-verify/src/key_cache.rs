//! The keys of the issuer, fetched when they are needed and kept while the issuer is away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::Clock;
use crate::clock::Moment;
use crate::error::{FetchError, VerifyError};
use crate::http::{HttpClient, HttpResponse, fetch};
use crate::key_set::{Key, KeySet};
use crate::locks::{lock, read, write};

/// The shortest time between two attempts to fetch the keys.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time that a fetch takes.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The time for which keys are fresh if the issuer does not say.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
/// Callers that wait for a fetch of another caller. With an issuer that does not answer, unknown keys must not occupy every
/// thread of the resource server.
const MAX_WAITING: usize = 64;

/// The keys of an issuer.
pub(crate) struct KeyCache {
    url: String,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    /// How long keys are used after they were fetched, while the issuer is away.
    max_age: Duration,
    current: RwLock<Option<Arc<Fetched>>>,
    /// Never locked during a request.
    attempts: Mutex<Attempts>,
    changed: Condvar,
    waiting: AtomicUsize,
    /// The threads that fetch for all callers.
    followers: AtomicUsize,
}

/// A key set, and when it was fetched.
#[derive(Debug)]
struct Fetched {
    keys: KeySet,
    at: Moment,
    fresh: Duration,
}

/// The attempts to fetch the keys.
#[derive(Debug, Default)]
struct Attempts {
    is_running: bool,
    /// A follower should fetch at once.
    is_wanted: bool,
    last: Option<Attempt>,
}

/// The last attempt.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    ended: Moment,
    has_failed: bool,
}

impl KeyCache {
    pub(crate) fn new(
        url: String,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
        max_age: Duration,
    ) -> Self {
        Self {
            url,
            http,
            clock,
            max_age,
            current: RwLock::default(),
            attempts: Mutex::default(),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            followers: AtomicUsize::new(0),
        }
    }

    /// Returns the key of this name, or `None` if the issuer publishes no such key. With a follower, it never waits.
    pub(crate) fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, VerifyError> {
        if let Some(fetched) = self.usable()
            && let Some(key) = fetched.keys.find(kid)
        {
            if self.is_followed() || self.age(&fetched) < fetched.fresh {
                return Ok(Some(Arc::clone(key)));
            }
            // One caller fetches. The others use what there is, and so does this one if the issuer is away.
            self.refresh_unless_busy();
        } else if self.is_followed() {
            self.request_refresh()?;
        } else {
            self.await_refresh()?;
        }
        let fetched = self.usable().ok_or(VerifyError::KeysUnavailable)?;
        Ok(fetched.keys.find(kid).cloned())
    }

    /// Returns whether the issuer still publishes this key, as far as is known without a fetch.
    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        self.usable().is_some_and(|fetched| {
            (self.is_followed() || self.age(&fetched) < fetched.fresh) && fetched.keys.holds(key)
        })
    }

    /// Fetches the keys now, or waits for the fetch that is under way and then fetches.
    pub(crate) fn fetch(&self) -> Result<(), FetchError> {
        let mut attempts = lock(&self.attempts);
        while attempts.is_running {
            attempts = self.changed.wait(attempts).unwrap_or_else(PoisonError::into_inner);
        }
        self.attempt(attempts)
    }

    /// Callers of [`find`](Self::find) rely on the calls of [`refresh_when_due`](Self::refresh_when_due) until as many
    /// followers are removed.
    pub(crate) fn add_follower(&self) {
        self.followers.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove_follower(&self) {
        self.followers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Waits until the keys are wanted, for at most a second. Fetches them if they are wanted, or if most of their time has passed.
    pub(crate) fn refresh_when_due(&self) -> Option<Result<(), FetchError>> {
        let attempts = lock(&self.attempts);
        let is_idle = |attempts: &mut Attempts| !attempts.is_wanted && !self.is_due(attempts);
        let waited = self.changed.wait_timeout_while(attempts, MIN_INTERVAL, is_idle);
        let (mut attempts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_due = attempts.is_wanted || self.is_due(&attempts);
        attempts.is_wanted = false;
        (is_due && !attempts.is_running).then(|| self.attempt(attempts))
    }

    fn is_due(&self, attempts: &Attempts) -> bool {
        !attempts.is_running
            && self.recent(attempts).is_none()
            && self.usable().is_none_or(|fetched| self.age(&fetched) >= fetched.fresh / 5 * 4)
    }

    fn is_followed(&self) -> bool {
        self.followers.load(Ordering::SeqCst) > 0
    }

    fn age(&self, fetched: &Fetched) -> Duration {
        Moment::now(&*self.clock).since(fetched.at)
    }

    fn usable(&self) -> Option<Arc<Fetched>> {
        read(&self.current).as_ref().filter(|fetched| self.age(fetched) <= self.max_age).cloned()
    }

    /// The last attempt, if it ended less than a second ago.
    fn recent(&self, attempts: &Attempts) -> Option<Attempt> {
        attempts.last.filter(|last| Moment::now(&*self.clock).since(last.ended) < MIN_INTERVAL)
    }

    fn refresh_unless_busy(&self) {
        let attempts = lock(&self.attempts);
        if !attempts.is_running && self.recent(&attempts).is_none() {
            // The current keys stay in use, and the next attempt follows after a second.
            let _ = self.attempt(attempts);
        }
    }

    /// Lets a follower fetch the keys, unless they were fetched less than a second ago.
    fn request_refresh(&self) -> Result<(), VerifyError> {
        let mut attempts = lock(&self.attempts);
        if let Some(last) = self.recent(&attempts).filter(|_| !attempts.is_running) {
            return last.outcome();
        }
        attempts.is_wanted = !attempts.is_running;
        self.changed.notify_all();
        // Whether there is such a key is known when the fetch has ended.
        Err(VerifyError::KeysUnavailable)
    }

    /// Fetches the keys, or waits for the fetch of another caller, unless they were fetched less than a second ago.
    fn await_refresh(&self) -> Result<(), VerifyError> {
        let others = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if others >= MAX_WAITING {
            return Err(VerifyError::KeysUnavailable);
        }
        let mut attempts = lock(&self.attempts);
        if attempts.is_running {
            let waited = self.changed.wait_timeout_while(attempts, TIMEOUT, |attempts| attempts.is_running);
            attempts = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else if self.recent(&attempts).is_none() {
            let _ = self.attempt(attempts);
            attempts = lock(&self.attempts);
        }
        let ended = attempts.last.filter(|_| !attempts.is_running);
        ended.map_or(Err(VerifyError::KeysUnavailable), Attempt::outcome)
    }

    /// Fetches the keys. The lock shows that no other attempt is running.
    fn attempt(&self, mut attempts: MutexGuard<'_, Attempts>) -> Result<(), FetchError> {
        let at = Moment::now(&*self.clock);
        attempts.is_running = true;
        drop(attempts);
        let mut running = Running { cache: self, attempt: Attempt { ended: at, has_failed: true } };
        let response = fetch(&*self.http, &self.url, "", TIMEOUT);
        running.attempt.ended = Moment::now(&*self.clock);
        let response = response?;
        let keys = KeySet::parse(&response.body)
            .map_err(|reason| FetchError::Invalid { url: self.url.clone(), reason })?;
        let fresh = fresh_for(&response).unwrap_or(DEFAULT_MAX_AGE).min(self.max_age);
        let mut current = write(&self.current);
        let keys = if let Some(earlier) = &*current { keys.keep(&earlier.keys) } else { keys };
        *current = Some(Arc::new(Fetched { keys, at, fresh }));
        running.attempt.has_failed = false;
        Ok(())
    }
}

impl Attempt {
    /// Whether a key that is not in the current set is known to be unknown.
    fn outcome(self) -> Result<(), VerifyError> {
        if self.has_failed { Err(VerifyError::KeysUnavailable) } else { Ok(()) }
    }
}

/// An attempt that is under way. It ends when this is dropped, also by a panic of the HTTP client.
struct Running<'a> {
    cache: &'a KeyCache,
    attempt: Attempt,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut attempts = lock(&self.cache.attempts);
        attempts.is_running = false;
        attempts.last = Some(self.attempt);
        self.cache.changed.notify_all();
    }
}

/// A caller that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The `max-age` of an answer (RFC 9111, section 5.2.2.1). An issuer that forbids caching is asked once a second.
fn fresh_for(response: &HttpResponse) -> Option<Duration> {
    let directives = response.cache_control.as_deref()?.split(',').map(str::trim);
    let mut max_age = None;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(MIN_INTERVAL);
        }
        if name.eq_ignore_ascii_case("max-age") {
            max_age = value.trim_matches('"').parse().ok().map(Duration::from_secs);
        }
    }
    max_age.map(|max_age| max_age.max(MIN_INTERVAL))
}
