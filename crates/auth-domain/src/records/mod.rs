//! A store of users, sessions, API keys and audit events over any key-value store.
//!
//! [`RecordStore`] fulfils the contracts of [`UserRepository`](crate::ports::UserRepository),
//! [`SessionRepository`](crate::ports::SessionRepository), [`RevocationFeed`](crate::ports::RevocationFeed),
//! [`ApiKeyRepository`](crate::ports::ApiKeyRepository) and [`AuditRepository`](crate::ports::AuditRepository). It needs a
//! [`KeyValueStore`], which has six methods over bytes: two run a transaction, and four read and write in it. redb, LMDB,
//! `RocksDB`, a table of SQLite and an ordered map can implement it. `examples/redb_store.rs` is an adapter for redb.
//!
//! # Example
//!
//! An ordered map is a key-value store. A transaction changes a copy of the map, which replaces the map at the commit.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::ops::Range;
//! use std::sync::{Mutex, PoisonError};
//!
//! use auth_domain::model::{Identifiers, NewUser, Roles, Timestamp, UserId, UserRef, Username};
//! use auth_domain::ports::{PortError, UserRepository as _};
//! use auth_domain::records::{
//!     Entry, KeyValueStore, ReadBody, ReadTransaction, RecordStore, Table, WriteBody, WriteTransaction,
//! };
//!
//! #[derive(Default)]
//! struct Memory(Mutex<Map>);
//!
//! #[derive(Clone, Default)]
//! struct Map(BTreeMap<(Table, Vec<u8>), Vec<u8>>);
//!
//! impl KeyValueStore for Memory {
//!     fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
//!         let map = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
//!         body(&map)
//!     }
//!
//!     fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
//!         let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         let mut changed = map.clone();
//!         body(&mut changed)?; // an error leaves the map as it was
//!         *map = changed;
//!         Ok(())
//!     }
//! }
//!
//! impl ReadTransaction for Map {
//!     fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
//!         Ok(self.0.get(&(table, key.to_vec())).cloned())
//!     }
//!
//!     fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
//!         let range = (table, keys.start.to_vec())..(table, keys.end.to_vec());
//!         let entries = self.0.range(range).take(limit);
//!         Ok(entries.map(|((_, key), value)| (key.clone(), value.clone())).collect())
//!     }
//! }
//!
//! impl WriteTransaction for Map {
//!     fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError> {
//!         self.0.insert((table, key.to_vec()), value.to_vec());
//!         Ok(())
//!     }
//!
//!     fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError> {
//!         self.0.remove(&(table, key.to_vec()));
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RecordStore::new(Memory::default()); // a store for all five ports
//! # let id = UserId(uuid::Uuid::nil());
//! # let identifiers = Identifiers::new(Some(Username::parse("jane")?), None).ok_or("a name")?;
//! # let user = NewUser {
//! #     id, identifiers, display_name: None, phone_number: None, roles: Roles::default(), password_hash: None,
//! #     created_at: Timestamp::UNIX_EPOCH, metadata: None,
//! # };
//! store.register(&user).await?;
//! assert!(store.find(&UserRef::Id(id)).await?.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Transactions
//!
//! Each call of a port is one transaction. A crash therefore leaves the store as it was before the call, or after it.
//!
//! # Threads
//!
//! The methods of a key-value store block. A [`RecordStore`] runs them on the thread that polls its future, unless it has a
//! [blocking pool](RecordStore::with_blocking_pool). A store that waits for a disk needs the pool: the thread of an async
//! runtime serves other requests meanwhile. Calls may run on any number of threads at once.
//!
//! The [revocation feed](crate::ports::RevocationFeed) is the exception. It reads one record on the calling thread, so that
//! it needs no memory of its own and nothing to rebuild at the start. Its answer is never out of date. If reads of the store
//! wait for a disk, put a feed into the ports that always answers `Unknown`. Each check of an access token then reads the
//! session with the pool.
//!
//! # Cost
//!
//! A login, a refresh, a registration and an imported user read and write a fixed number of records, and the live sessions
//! of one user. No call scans all users or sessions: a purge looks only at records whose time has come, at most 1,000 at a
//! time. A list of audit events by action or time reads the events that it skips.
//!
//! # Stored bytes
//!
//! A value begins with the version of its encoding. Later releases read the values of earlier ones. A value of an unknown
//! version, or a damaged one, is [`PortError::Corrupt`](crate::ports::PortError::Corrupt), never an absent record. Keys
//! contain ids, numbers, times and digests. Values contain names, addresses and hashes of passwords, so protect the files as
//! those of any user database.

mod api_keys;
mod audit_events;
mod encoding;
mod key_value_store;
mod rows;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
#[cfg(feature = "conformance")]
mod under_test;
mod users;
mod values;

pub use key_value_store::{
    Entry, KeyValueStore, ReadBody, ReadTransaction, Table, WriteBody, WriteTransaction,
};
pub use store::{BlockingCall, RecordStore};

#[cfg(any(test, feature = "testing"))]
pub(crate) use {
    audit_events::{all as all_audit_events, append},
    users::verify_email,
};
