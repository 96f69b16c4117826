//! What one node knows of exhausted counters without asking.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_domain::model::{CounterKey, Throttled, Timestamp};

/// The most counters that are remembered. That one is not costs a query.
const MOST: usize = 10_000;

/// Counters that were found exhausted, until there is room in them again: nothing but time makes it.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Exhausted(Mutex<HashMap<CounterKey, (Throttled, Timestamp)>>);

impl Exhausted {
    pub(super) fn remember(&self, key: CounterKey, throttled: Throttled, now: Timestamp) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() < MOST {
            known.insert(key, (throttled, now.plus(throttled.retry_after)));
        }
    }

    pub(super) fn recall(&self, key: CounterKey, now: Timestamp) -> Option<Throttled> {
        let mut known = self.known();
        let (throttled, until) = *known.get(&key)?;
        if until <= now {
            known.remove(&key);
            return None;
        }
        Some(Throttled { retry_after: until.since(now), ..throttled })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<CounterKey, (Throttled, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
