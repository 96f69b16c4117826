//! Warns when the nodes of one store sign with different keys, because they refuse each other's tokens.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::ports::SecureRandom as _;
use tokio::time::Instant;

use super::tasks::Stop;
use crate::store::{NodeKeys, Store};
use crate::system::SystemRandom;
use crate::token::KeyRing;

/// Interval between two reports of this node's keys.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// How long a difference may last: two reports, the reading of the key directories and the difference of the clocks.
const MAX_DIFFERENCE: Duration = Duration::from_secs(15);
/// Interval between two warnings.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Compares the keys of this node with those of the others.
pub(super) async fn compare_keys(keys: Arc<KeyRing>, store: Store, stop: Stop) {
    let mut node = [0; 16];
    SystemRandom.fill(&mut node);
    let mut comparison = Comparison::default();
    loop {
        let (signing, newest) = keys.signing_and_newest();
        let own = NodeKeys { signing, newest };
        // Without the store nothing is compared. Its own errors are logged elsewhere.
        if let Ok(others) = store.exchange_keys(node, &own).await
            && let Some(other) = comparison.compare(&own, &others, Instant::now())
        {
            tracing::warn!(
                own_signing = own.signing,
                own_newest = own.newest,
                other_signing = other.signing,
                other_newest = other.newest,
                "two nodes of this store have different signing keys, and refuse each other's tokens: compare their keys_dir"
            );
        }
        if !stop.pause(REPORT_INTERVAL).await {
            return;
        }
    }
}

/// Since when the keys differ, and when that was logged last.
#[derive(Default)]
struct Comparison {
    since: Option<Instant>,
    warned: Option<Instant>,
}

impl Comparison {
    /// The keys of another node that a warning should name now.
    fn compare<'a>(&mut self, own: &NodeKeys, others: &'a [NodeKeys], now: Instant) -> Option<&'a NodeKeys> {
        let Some(other) = others.iter().find(|other| *other != own) else {
            *self = Self::default();
            return None;
        };
        let is_lasting = now - *self.since.get_or_insert(now) >= MAX_DIFFERENCE;
        if !is_lasting || self.warned.is_some_and(|warned| now - warned < WARN_INTERVAL) {
            return None;
        }
        self.warned = Some(now);
        Some(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(signing: &str, newest: &str) -> NodeKeys {
        NodeKeys { signing: signing.to_owned(), newest: newest.to_owned() }
    }

    #[test]
    fn lasting_difference_is_reported_once_a_minute() {
        let own = keys("a", "a");
        let others = [keys("a", "a"), keys("a", "b")];
        let (mut comparison, start) = (Comparison::default(), Instant::now());
        let reported: Vec<_> = (0..30)
            .map(|number| number * 5)
            .filter(|second| {
                let found = comparison.compare(&own, &others, start + Duration::from_secs(*second));
                assert!(found.is_none_or(|found| *found == others[1]));
                found.is_some()
            })
            .collect();
        assert_eq!(reported, [15, 75, 135]);
    }

    #[test]
    fn short_difference_is_not_reported() {
        let (own, other) = (keys("a", "a"), [keys("b", "b")]);
        let (mut comparison, start) = (Comparison::default(), Instant::now());
        let mut compare = |others: &[NodeKeys], second| {
            comparison.compare(&own, others, start + Duration::from_secs(second)).is_some()
        };
        assert!(!compare(&other, 0) && !compare(&other, 14));
        assert!(!compare(std::slice::from_ref(&own), 15));
        assert!(!compare(&other, 20) && !compare(&[], 25) && !compare(&other, 30) && !compare(&other, 44));
        assert!(compare(&other, 45));
    }
}
