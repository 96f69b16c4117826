//! What was asked for a moment ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

/// A bounded map that keeps what is asked for. It has two generations: when the young one is full, the old one goes, and
/// the young one is old; what is found in the old one is young again. Each step takes the same time however full it is.
pub(crate) struct Recent<K, V> {
    young: HashMap<K, Arc<V>>,
    old: HashMap<K, Arc<V>>,
    /// How many a generation has at the most.
    generation: usize,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    /// Of so many values at the most.
    pub(crate) fn bounded(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: bound / 2 }
    }

    pub(crate) fn find(&mut self, key: &K) -> Option<Arc<V>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(key)?;
        self.add(*key, Arc::clone(&found));
        Some(found)
    }

    pub(crate) fn add(&mut self, key: K, value: Arc<V>) {
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
