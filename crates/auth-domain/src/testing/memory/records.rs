//! An ordered map as a key-value store.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ports::{BoxError, PortError};
use crate::records::{Entry, KeyValueStore, ReadBody, ReadTransaction, Table, WriteBody, WriteTransaction};

/// Keeps records in ordered maps under one lock, which a transaction holds until its end.
#[derive(Default)]
pub(super) struct MemoryRecords {
    tables: Mutex<Tables>,
    unavailable: AtomicBool,
}

#[derive(Default)]
struct Tables {
    maps: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// The earlier values that the running transaction has replaced, in its order.
    replaced: Vec<(Table, Vec<u8>, Option<Vec<u8>>)>,
}

impl MemoryRecords {
    pub(super) fn set_unavailable(&self, unavailable: bool) {
        self.unavailable.store(unavailable, Ordering::SeqCst);
    }

    pub(super) fn check(&self) -> Result<(), PortError> {
        if self.unavailable.load(Ordering::SeqCst) {
            return Err(PortError::Unavailable(BoxError::from("the store is set to be unavailable")));
        }
        Ok(())
    }

    /// Runs a transaction even while the store is unavailable.
    pub(super) fn run<T>(
        &self,
        body: impl FnOnce(&mut dyn WriteTransaction) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut tables = self.lock();
        let result = body(&mut *tables)?;
        tables.replaced.clear();
        Ok(result)
    }

    /// Locks the tables, without the writes of a transaction that failed or panicked.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.roll_back();
        tables
    }
}

impl KeyValueStore for MemoryRecords {
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
        self.check()?;
        body(&*self.lock())
    }

    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
        self.check()?;
        self.run(body)
    }
}

impl Tables {
    fn roll_back(&mut self) {
        while let Some((table, key, value)) = self.replaced.pop() {
            let map = self.maps.entry(table).or_default();
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
    }
}

impl ReadTransaction for Tables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.maps.get(&table).and_then(|map| map.get(key)).cloned())
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        let Some(map) = self.maps.get(&table) else { return Ok(Vec::new()) };
        let range = map.range::<[u8], _>((Bound::Included(keys.start), Bound::Excluded(keys.end)));
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl WriteTransaction for Tables {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError> {
        let old = self.maps.entry(table).or_default().insert(key.to_vec(), value.to_vec());
        self.replaced.push((table, key.to_vec(), old));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError> {
        if let Some(old) = self.maps.entry(table).or_default().remove(key) {
            self.replaced.push((table, key.to_vec(), Some(old)));
        }
        Ok(())
    }
}

/// Writes no record, because records contain hashes of passwords.
impl fmt::Debug for MemoryRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRecords").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_and_fail(records: &MemoryRecords) -> Result<(), PortError> {
        records.write(&mut |tx| {
            tx.put(Table::Users, b"kept", b"changed")?;
            tx.put(Table::Users, b"new", b"1")?;
            tx.put(Table::Users, b"new", b"2")?;
            tx.delete(Table::Users, b"deleted")?;
            Err(PortError::Overloaded)
        })
    }

    #[test]
    fn failed_transaction_is_rolled_back() {
        let records = MemoryRecords::default();
        records
            .write(&mut |tx| {
                tx.put(Table::Users, b"kept", b"value")?;
                tx.put(Table::Users, b"deleted", b"value")
            })
            .expect("a commit");
        assert!(matches!(put_and_fail(&records), Err(PortError::Overloaded)));
        records
            .read(&mut |tx| {
                let found = tx.scan(Table::Users, b"".as_slice()..b"z".as_slice(), 10)?;
                assert_eq!(
                    found,
                    [b"deleted", b"kept".as_slice()].map(|key| (key.to_vec(), b"value".to_vec()))
                );
                Ok(())
            })
            .expect("a read");
    }

    #[test]
    fn debug_writes_no_record() {
        let records = MemoryRecords::default();
        records.write(&mut |tx| tx.put(Table::Users, b"key", b"value")).expect("a commit");
        assert_eq!(format!("{records:?}"), "MemoryRecords { .. }");
    }
}
