//! One lock per key.
//!
//! However many concurrent guesses one account gets, they use one connection of a node, and the others stay free for the other
//! accounts. Between nodes, the lock of the row decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::CounterKey;
use auth_domain::ports::PortError;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::timeout;

const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

type Locks = Arc<Mutex<HashMap<CounterKey, Arc<AsyncMutex<()>>>>>;

/// The locks that are held or waited for.
#[derive(Clone, Debug, Default)]
pub(in crate::postgres) struct KeyedMutex(Locks);

/// Releases the lock of a key when it is dropped.
pub(super) struct KeyedGuard {
    key: CounterKey,
    locks: Locks,
    /// `None` only while the lock is waited for, and in `drop`.
    guard: Option<OwnedMutexGuard<()>>,
}

impl KeyedMutex {
    /// Waits for the lock of this key, in the order of the calls.
    pub(super) async fn lock(&self, key: CounterKey) -> Result<KeyedGuard, PortError> {
        let lock = Arc::clone(self.0.lock().entry(key).or_default());
        // The guard exists before the wait, so a cancelled wait cleans up as well.
        let mut guard = KeyedGuard { key, locks: Arc::clone(&self.0), guard: None };
        guard.guard =
            Some(timeout(LOCK_TIMEOUT, lock.lock_owned()).await.map_err(|_| PortError::Overloaded)?);
        Ok(guard)
    }
}

impl Drop for KeyedGuard {
    /// Removes the lock when its last user is gone. The count is read under the lock of the map, so no new user can join.
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        self.guard = None;
        if locks.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CounterKey = CounterKey::from_bytes([1; 32]);

    #[tokio::test(start_paused = true)]
    async fn one_holder_per_key_and_keys_are_independent() {
        let mutex = KeyedMutex::default();
        let first = mutex.lock(KEY).await.expect("the lock");
        mutex.lock(CounterKey::from_bytes([2; 32])).await.expect("another key");
        assert!(matches!(mutex.lock(KEY).await, Err(PortError::Overloaded)));
        drop(first);
        mutex.lock(KEY).await.expect("free again");
    }

    #[tokio::test]
    async fn unused_locks_are_removed() {
        let mutex = KeyedMutex::default();
        let at_once = (0..20).map(|_| async {
            let guard = mutex.lock(KEY).await.expect("the lock");
            tokio::task::yield_now().await;
            drop(guard);
        });
        futures_util::future::join_all(at_once).await;
        let waiting = mutex.lock(KEY);
        drop(waiting);
        assert!(mutex.0.lock().is_empty());
    }
}
