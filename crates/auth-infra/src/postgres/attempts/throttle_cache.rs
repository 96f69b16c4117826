//! What one node knows of exhausted counters without asking.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth_domain::model::{CounterKey, Throttled, Timestamp};

/// The most counters that are remembered. That one is not costs a query.
const MAX_ENTRIES: usize = 10_000;

/// Counters that were found exhausted, until there is room in them again: nothing but time makes it.
#[derive(Debug, Default)]
pub(in crate::postgres) struct ThrottleCache(Mutex<HashMap<CounterKey, (Throttled, Timestamp)>>);

impl ThrottleCache {
    pub(super) fn insert(&self, key: CounterKey, throttled: Throttled, now: Timestamp) {
        let mut entries = self.entries();
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, (_, until)| *until > now);
        }
        if entries.len() < MAX_ENTRIES {
            entries.insert(key, (throttled, now.plus(throttled.retry_after)));
        }
    }

    pub(super) fn get(&self, key: CounterKey, now: Timestamp) -> Option<Throttled> {
        let mut entries = self.entries();
        let (throttled, until) = *entries.get(&key)?;
        if until <= now {
            entries.remove(&key);
            return None;
        }
        Some(Throttled { retry_after: until.since(now), ..throttled })
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<CounterKey, (Throttled, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
