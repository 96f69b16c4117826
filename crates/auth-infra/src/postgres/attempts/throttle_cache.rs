//! Counters that this node knows to be exhausted, without a query.

use auth_domain::model::{CounterKey, Throttled, Timestamp};
use quick_cache::sync::Cache;

/// The maximum number of cached counters. A counter that was evicted costs a query.
const CAPACITY: usize = 10_000;

/// Exhausted counters and the time at which each has room again. Only time makes room, so an entry needs no
/// invalidation.
#[derive(Debug)]
pub(in crate::postgres) struct ThrottleCache(Cache<CounterKey, (Throttled, Timestamp)>);

impl ThrottleCache {
    pub(super) fn insert(&self, key: CounterKey, throttled: Throttled, now: Timestamp) {
        self.0.insert(key, (throttled, now.plus(throttled.retry_after)));
    }

    pub(super) fn get(&self, key: CounterKey, now: Timestamp) -> Option<Throttled> {
        let (throttled, until) = self.0.get(&key)?;
        if until <= now {
            self.0.remove(&key);
            return None;
        }
        Some(Throttled { retry_after: until.since(now), ..throttled })
    }
}

impl Default for ThrottleCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}
