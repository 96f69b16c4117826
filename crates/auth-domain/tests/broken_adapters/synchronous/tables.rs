//! Ordered maps behind one mutex. A transaction locks it for each read, and once more for all its writes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};
use std::thread;

use auth_domain::ports::PortError;
use auth_domain::records::{
    Entry, KeyValueStore, ReadBody, ReadTransaction, Table, WriteBody, WriteTransaction,
};

type Map<V> = BTreeMap<(Table, Vec<u8>), V>;

/// A key-value store that isolates no transaction from another one.
#[derive(Default)]
pub(super) struct Tables(Mutex<Map<Vec<u8>>>);

/// What a transaction has written so far; `None` is a deleted record.
#[derive(Default)]
struct Writes(Map<Option<Vec<u8>>>);

struct Transaction<'a> {
    tables: &'a Tables,
    writes: Writes,
}

impl Tables {
    fn lock(&self) -> MutexGuard<'_, Map<Vec<u8>>> {
        self.0.lock().expect("no panic under the lock")
    }

    fn begin(&self) -> Transaction<'_> {
        Transaction { tables: self, writes: Writes::default() }
    }
}

impl KeyValueStore for Tables {
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
        body(&self.begin())
    }

    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
        let mut transaction = self.begin();
        body(&mut transaction)?;
        thread::yield_now(); // a store on a disk waits here
        let mut tables = self.lock();
        for (key, value) in transaction.writes.0 {
            match value {
                Some(value) => tables.insert(key, value),
                None => tables.remove(&key),
            };
        }
        Ok(())
    }
}

impl ReadTransaction for Transaction<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        let key = (table, key.to_vec());
        Ok(match self.writes.0.get(&key) {
            Some(written) => written.clone(),
            None => self.tables.lock().get(&key).cloned(),
        })
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        if keys.start >= keys.end {
            return Ok(vec![]);
        }
        let range = (table, keys.start.to_vec())..(table, keys.end.to_vec());
        let mut found: BTreeMap<_, _> = self
            .tables
            .lock()
            .range(range.clone())
            .map(|(key, value)| (key.1.clone(), value.clone()))
            .collect();
        for ((_, key), value) in self.writes.0.range(range) {
            match value {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        Ok(found.into_iter().take(limit).collect())
    }
}

impl WriteTransaction for Transaction<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError> {
        self.writes.0.insert((table, key.to_vec()), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError> {
        self.writes.0.insert((table, key.to_vec()), None);
        Ok(())
    }
}
