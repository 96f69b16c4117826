//! Follows the feed of ended sessions, and refreshes the keys before they are stale.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Verifier;
use crate::ended_sessions::Progress;
use crate::locks::lock;

/// The shortest time between two requests: ends within it come together.
const MIN_PAUSE: Duration = Duration::from_millis(100);
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

/// A thread that follows the feed, until this is dropped. A request under way ends by itself, within 25 seconds.
#[derive(Debug)]
#[must_use = "the thread stops when this is dropped"]
pub struct Following(Arc<Stop>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Verifier {
    /// Follows the feed of ended sessions, and refreshes the keys before they are stale. It blocks the calling thread for ever.
    pub fn follow(&self) {
        self.follow_until(&Stop::default());
    }

    /// Follows the feed on a thread of its own, until the returned value is dropped.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn follow_in_background(&self) -> io::Result<Following> {
        let stop = Arc::new(Stop::default());
        let (verifier, stopped) = (self.clone(), Arc::clone(&stop));
        thread::Builder::new()
            .name("ended-sessions".to_owned())
            .spawn(move || verifier.follow_until(&stopped))?;
        Ok(Following(stop))
    }

    fn follow_until(&self, stop: &Stop) {
        let mut failures = 0;
        while !stop.is_set() {
            self.keys().refresh_early();
            let began = Instant::now();
            let outcome = self.fetch_ended(true);
            self.set_follow_error(outcome.as_ref().err());
            let pause = if let Ok(progress) = outcome {
                failures = 0;
                progress.pause(began.elapsed())
            } else {
                failures += 1;
                pause_after(failures)
            };
            stop.wait(pause);
        }
    }
}

impl Progress {
    /// The pause after an answer that took this long.
    fn pause(self, took: Duration) -> Duration {
        match self {
            Self { has_more: true, .. } => Duration::ZERO,
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
