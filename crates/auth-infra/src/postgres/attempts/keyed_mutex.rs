//! Taking turns at a counter.
//!
//! However many guesses at one account come at once, one connection of a node is busy with them: the others are for
//! everybody else. Between nodes the lock of the row decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_domain::model::CounterKey;
use auth_domain::ports::PortError;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::timeout;

/// How long somebody waits for their turn.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

type Queues = Arc<Mutex<HashMap<CounterKey, Arc<AsyncMutex<()>>>>>;

/// A queue for each counter that somebody is at.
#[derive(Clone, Debug, Default)]
pub(in crate::postgres) struct KeyedMutex(Queues);

/// Somebody's turn, until it is dropped.
pub(super) struct KeyedGuard {
    key: CounterKey,
    queues: Queues,
    /// Gone only in a turn that is ending.
    guard: Option<OwnedMutexGuard<()>>,
}

impl KeyedMutex {
    /// Waits for a turn at the counter with this key. First come, first served.
    pub(super) async fn take(&self, key: CounterKey) -> Result<KeyedGuard, PortError> {
        let queue = Arc::clone(queues(&self.0).entry(key).or_default());
        let mut turn = KeyedGuard { key, queues: Arc::clone(&self.0), guard: None };
        turn.guard =
            Some(timeout(LOCK_TIMEOUT, queue.lock_owned()).await.map_err(|_| PortError::Overloaded)?);
        Ok(turn)
    }
}

impl Drop for KeyedGuard {
    fn drop(&mut self) {
        let mut queues = queues(&self.queues);
        self.guard = None;
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

fn queues(queues: &Queues) -> MutexGuard<'_, HashMap<CounterKey, Arc<AsyncMutex<()>>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CounterKey = CounterKey::from_bytes([1; 32]);

    #[tokio::test(start_paused = true)]
    async fn one_is_at_a_counter_and_nobody_waits_at_another() {
        let turns = KeyedMutex::default();
        let first = turns.take(KEY).await.expect("a turn");
        turns.take(CounterKey::from_bytes([2; 32])).await.expect("another counter");
        assert!(matches!(turns.take(KEY).await, Err(PortError::Overloaded)));
        drop(first);
        turns.take(KEY).await.expect("free again");
    }

    #[tokio::test]
    async fn no_queue_stays_that_nobody_is_in() {
        let turns = KeyedMutex::default();
        let at_once = (0..20).map(|_| async {
            let turn = turns.take(KEY).await.expect("a turn");
            tokio::task::yield_now().await;
            drop(turn);
        });
        futures_util::future::join_all(at_once).await;
        let waiting = turns.take(KEY);
        drop(waiting);
        assert!(queues(&turns.0).is_empty());
    }
}
