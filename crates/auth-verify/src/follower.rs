//! Follows the feed of ended sessions, and refreshes the keys before they are stale. Each has a thread, so that neither delays the other.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Verifier;
use crate::ended_sessions::Progress;
use crate::locks::lock;

/// The shortest time between two requests: ends within it come together.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The pause before the next page of a list.
pub(crate) const PAGE_PAUSE: Duration = Duration::from_millis(5);
/// The interval of requests that the issuer does not let wait, and the longest pause after an error.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Whether followers should stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_set(&self) -> bool {
        *lock(&self.is_set)
    }

    fn set(&self) {
        *lock(&self.is_set) = true;
        self.changed.notify_all();
    }

    /// Waits for this time or until the stop.
    fn wait(&self, pause: Duration) {
        let is_set = lock(&self.is_set);
        let waited = self.changed.wait_timeout_while(is_set, pause, |is_set| !*is_set);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The threads that follow the feed and the keys, until this is dropped. A request under way ends by itself, within 25 seconds.
#[derive(Debug)]
#[must_use = "the threads stop when this is dropped"]
pub struct Following(Arc<Stop>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Verifier {
    /// Follows the feed of ended sessions, and refreshes the keys on a thread of its own. It blocks the calling thread for ever.
    /// Meanwhile no call of [`verify`](Self::verify) fetches anything.
    ///
    /// A panic of the HTTP client or of the clock counts as a failed request.
    pub fn follow(&self) {
        let stop = Arc::new(Stop::default());
        // Without the thread, callers of `verify` fetch the keys.
        let _ = self.follow_keys_in_background(&stop);
        self.follow_feed_until(&stop);
    }

    /// Follows the feed and refreshes the keys on two threads, until the returned value is dropped. Otherwise it is like
    /// [`follow`](Self::follow).
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn follow_in_background(&self) -> io::Result<Following> {
        let following = Following(Arc::default());
        self.follow_keys_in_background(&following.0)?;
        let (verifier, stop) = (self.clone(), Arc::clone(&following.0));
        thread::Builder::new()
            .name("ended-sessions".to_owned())
            .spawn(move || verifier.follow_feed_until(&stop))?;
        Ok(following)
    }

    fn follow_keys_in_background(&self, stop: &Arc<Stop>) -> io::Result<()> {
        let (follower, stop) = (KeysFollower::new(self.clone()), Arc::clone(stop));
        let thread = thread::Builder::new().name("issuer-keys".to_owned());
        thread.spawn(move || follower.0.follow_keys_until(&stop)).map(drop)
    }

    fn follow_keys_until(&self, stop: &Stop) {
        let mut failures = 0;
        while !stop.is_set() {
            match caught(|| self.keys().refresh_when_due()) {
                Ok(None) => {}
                Ok(Some(outcome)) => {
                    failures = 0;
                    self.set_keys_error(outcome.err().map(|error| error.to_string()));
                }
                Err(panicked) => {
                    self.set_keys_error(Some(panicked.to_owned()));
                    failures += 1;
                    stop.wait(pause_after(failures));
                }
            }
        }
    }

    fn follow_feed_until(&self, stop: &Stop) {
        let mut failures = 0;
        while !stop.is_set() {
            let began = Instant::now();
            let outcome = match caught(|| self.fetch_ended(true)) {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(panicked) => Err(panicked.to_owned()),
            };
            let pause = if let Ok(progress) = &outcome {
                failures = 0;
                progress.pause(began.elapsed())
            } else {
                failures += 1;
                pause_after(failures)
            };
            self.set_feed_error(outcome.err());
            stop.wait(pause);
        }
    }
}

/// While this exists, callers of `verify` leave fetches to its thread.
struct KeysFollower(Verifier);

impl KeysFollower {
    fn new(verifier: Verifier) -> Self {
        verifier.keys().add_follower();
        Self(verifier)
    }
}

impl Drop for KeysFollower {
    fn drop(&mut self) {
        self.0.keys().remove_follower();
    }
}

/// Calls the code of the user of this crate. A panic there must not end a follower.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| "the HTTP client or the clock has panicked")
}

impl Progress {
    /// The pause after an answer that took this long.
    fn pause(self, took: Duration) -> Duration {
        match self {
            Self { has_more: true, .. } => PAGE_PAUSE,
            Self { is_empty: false, .. } => MIN_PAUSE,
            // An empty answer at once: the issuer lets no further request wait.
            Self { is_empty: true, .. } => MAX_PAUSE.saturating_sub(took).max(MIN_PAUSE),
        }
    }
}

/// The pause after some failures in a row: 100 ms, doubled up to 1 s. A random part of up to a half is left out, so that not all
/// followers ask at once when the issuer is back.
fn pause_after(failures: u32) -> Duration {
    let pause = MIN_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(MAX_PAUSE);
    let random = u32::try_from(RandomState::new().hash_one(failures) % 512).unwrap_or(0);
    pause * (1_024 - random) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_after_failures_grow_to_a_second() {
        for (failures, longest) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (u32::MAX, 1_000)] {
            for _ in 0..100 {
                let pause = pause_after(failures).as_millis();
                assert!(pause <= longest && pause >= longest / 2, "{pause} ms");
            }
        }
    }

    #[test]
    fn stop_ends_a_pause() {
        let stop = Arc::new(Stop::default());
        let (waiting, began) = (Arc::clone(&stop), Instant::now());
        let thread = thread::spawn(move || waiting.wait(Duration::from_secs(60)));
        drop(Following(stop));
        assert!(thread.join().is_ok() && began.elapsed() < Duration::from_secs(30));
    }
}
