//! A key-value store in memory that counts its work and can simulate conflicts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use auth_domain::ports::PortError;
use auth_domain::records::{
    Entry, KeyValueStore, ReadBody, ReadTransaction, Table, WriteBody, WriteTransaction,
};

/// One ordered map. A transaction changes a copy.
#[derive(Default)]
pub(crate) struct OrderedMap {
    map: Mutex<Map>,
    /// Whether the first run of each writing transaction is rolled back.
    has_conflicts: bool,
    /// Shared by those who want to know whether the store is still in use.
    alive: Arc<()>,
}

#[derive(Default)]
struct Map {
    entries: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    /// The entries that were read or written.
    touched: AtomicU64,
}

impl OrderedMap {
    /// A store that runs the body of each writing transaction twice, as after a conflict at the commit.
    pub(crate) fn with_conflicts() -> Self {
        Self { has_conflicts: true, ..Self::default() }
    }

    pub(crate) fn alive(&self) -> &Arc<()> {
        &self.alive
    }

    /// The number of entries that all calls together have read or written.
    pub(crate) fn touched(&self) -> u64 {
        self.map.lock().expect("no panic under the lock").touched.load(Ordering::Relaxed)
    }

    /// The number of entries of all tables but the counters.
    pub(crate) fn len(&self) -> usize {
        let map = self.map.lock().expect("no panic under the lock");
        map.entries.keys().filter(|(table, _)| *table != Table::Counters).count()
    }
}

impl KeyValueStore for OrderedMap {
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
        body(&*self.map.lock().expect("no panic under the lock"))
    }

    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
        let mut map = self.map.lock().expect("no panic under the lock");
        let before = map.entries.clone();
        if self.has_conflicts {
            let _ = body(&mut *map);
            map.entries = before.clone();
        }
        let result = body(&mut *map);
        if result.is_err() {
            map.entries = before;
        }
        result
    }
}

impl Map {
    fn touch(&self, entries: usize) {
        self.touched.fetch_add(u64::try_from(entries).expect("few entries"), Ordering::Relaxed);
    }
}

impl ReadTransaction for Map {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        self.touch(1);
        Ok(self.entries.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        assert!(keys.start <= keys.end, "the start is not greater than the end");
        assert!((1..=1_000).contains(&limit), "a limit of {limit}");
        let range = (table, keys.start.to_vec())..(table, keys.end.to_vec());
        let entries = self.entries.range(range).take(limit);
        let found: Vec<_> = entries.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        self.touch(found.len());
        Ok(found)
    }
}

impl WriteTransaction for Map {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError> {
        assert!((1..=64).contains(&key.len()), "a key of {} bytes", key.len());
        self.touch(1);
        self.entries.insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError> {
        self.touch(1);
        self.entries.remove(&(table, key.to_vec()));
        Ok(())
    }
}
