//! The keys of the issuer, fetched when they are needed and kept while the issuer is away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, TryLockError};
use std::time::Duration;

use crate::Clock;
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

/// The keys of an issuer. Times are those of [`Clock::elapsed`].
pub(crate) struct KeyCache {
    url: String,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    /// How long keys are used after they were fetched, while the issuer is away.
    max_age: Duration,
    current: RwLock<Option<Arc<Fetched>>>,
    /// The time of the last attempt. A caller that fetches holds the lock.
    attempted: Mutex<Option<Duration>>,
    waiting: AtomicUsize,
}

/// A key set, and when it was fetched.
#[derive(Debug)]
struct Fetched {
    keys: KeySet,
    at: Duration,
    fresh: Duration,
}

impl KeyCache {
    pub(crate) fn new(
        url: String,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
        max_age: Duration,
    ) -> Self {
        let (current, attempted) = (RwLock::default(), Mutex::default());
        Self { url, http, clock, max_age, current, attempted, waiting: AtomicUsize::new(0) }
    }

    /// Returns the key of this name, or `None` if the issuer publishes no such key.
    pub(crate) fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, VerifyError> {
        let now = self.clock.elapsed();
        if let Some(fetched) = self.usable(now)
            && let Some(key) = fetched.keys.find(kid)
        {
            if now < fetched.at + fetched.fresh {
                return Ok(Some(Arc::clone(key)));
            }
            // One caller fetches. The others use what there is, and so does this one if the issuer is away.
            self.refresh_unless_busy(now);
        } else {
            self.refresh_since(now)?;
        }
        let fetched = self.usable(self.clock.elapsed()).ok_or(VerifyError::KeysUnavailable)?;
        Ok(fetched.keys.find(kid).cloned())
    }

    /// Returns whether the issuer still publishes this key, as far as is known without a fetch.
    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        let now = self.clock.elapsed();
        self.usable(now).is_some_and(|fetched| now < fetched.at + fetched.fresh && fetched.keys.holds(key))
    }

    /// Fetches the keys if most of their time has passed, so that no caller of [`find`](Self::find) has to.
    pub(crate) fn refresh_early(&self) {
        let now = self.clock.elapsed();
        let is_due = self.usable(now).is_none_or(|fetched| now >= fetched.at + fetched.fresh * 4 / 5);
        if is_due {
            self.refresh_unless_busy(now);
        }
    }

    /// Fetches the keys now.
    pub(crate) fn fetch(&self) -> Result<(), FetchError> {
        let mut attempted = lock(&self.attempted);
        self.attempt(&mut attempted)
    }

    fn usable(&self, now: Duration) -> Option<Arc<Fetched>> {
        read(&self.current).as_ref().filter(|fetched| now <= fetched.at + self.max_age).cloned()
    }

    fn refresh_unless_busy(&self, now: Duration) {
        let mut attempted = match self.attempted.try_lock() {
            Ok(attempted) => attempted,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if attempted.is_none_or(|attempted| now >= attempted + MIN_INTERVAL) {
            // The current keys stay in use, and the next attempt follows after a second.
            let _ = self.attempt(&mut attempted);
        }
    }

    /// Fetches the keys, unless another caller did so after `arrived`, or less than a second ago.
    fn refresh_since(&self, arrived: Duration) -> Result<(), VerifyError> {
        let is_crowded = self.waiting.fetch_add(1, Ordering::SeqCst) >= MAX_WAITING;
        let outcome = if is_crowded { Err(VerifyError::KeysUnavailable) } else { Ok(()) };
        if outcome.is_ok() {
            let mut attempted = lock(&self.attempted);
            if attempted.is_none_or(|attempted| arrived >= attempted + MIN_INTERVAL) {
                let _ = self.attempt(&mut attempted);
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    fn attempt(&self, attempted: &mut Option<Duration>) -> Result<(), FetchError> {
        let at = self.clock.elapsed();
        *attempted = Some(at);
        let response = fetch(&*self.http, &self.url, "", TIMEOUT)?;
        let keys = KeySet::parse(&response.body)
            .map_err(|reason| FetchError::Invalid { url: self.url.clone(), reason })?;
        let fresh = fresh_for(&response).unwrap_or(DEFAULT_MAX_AGE).min(self.max_age);
        *write(&self.current) = Some(Arc::new(Fetched { keys, at, fresh }));
        Ok(())
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
