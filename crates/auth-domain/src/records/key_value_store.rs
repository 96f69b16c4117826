//! What a record store needs of a key-value store.

use std::ops::Range;

use crate::ports::PortError;

/// Defines the tables with their names.
macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident = $name:literal,)*) => {
        /// A table of records. A key-value store without tables can put the name before each key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Table {
            $($(#[$doc])* $table,)*
        }

        impl Table {
            /// All tables, for a key-value store that creates them when it is opened.
            pub const ALL: &[Self] = &[$(Self::$table),*];

            /// Returns the name: lower-case letters and `_`. It never changes.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$table => $name,)*
                }
            }
        }
    };
}

tables! {
    /// The users, by id.
    Users = "users",
    /// The ids of the users, by number.
    UserNumbers = "user_numbers",
    /// The ids of the users, by the digest of an identifier key.
    UserIdentifiers = "user_identifiers",
    /// The ids of the users, by the digest of an external id.
    UserExternalIds = "user_external_ids",
    /// The ids of the imported users, by import digest.
    UserImports = "user_imports",
    /// The sessions with their refresh credentials, by id.
    Sessions = "sessions",
    /// The ids of the sessions, by token family.
    SessionFamilies = "session_families",
    /// The sessions of each user, those that have not ended first.
    SessionUsers = "session_users",
    /// The times from which a purge has to look at a session.
    SessionTimes = "session_times",
    /// The API keys, by id.
    ApiKeys = "api_keys",
    /// The ids of the API keys, by the digest of the secret.
    ApiKeyDigests = "api_key_digests",
    /// The audit events, by number.
    AuditEvents = "audit_events",
    /// The audit events by time.
    AuditEventTimes = "audit_event_times",
    /// The audit events of each user.
    AuditEventUsers = "audit_event_users",
    /// The last assigned numbers.
    Counters = "counters",
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The body of a read-only transaction.
pub type ReadBody<'a> = dyn FnMut(&dyn ReadTransaction) -> Result<(), PortError> + 'a;

/// The body of a transaction that may write.
pub type WriteBody<'a> = dyn FnMut(&mut dyn WriteTransaction) -> Result<(), PortError> + 'a;

/// A key-value store with transactions, such as redb, LMDB, `RocksDB` or a table of SQLite.
///
/// A key has 1 to 64 bytes. A value has a few hundred bytes, at most a few thousand, or none.
///
/// - The calls come from several threads at once.
/// - A transaction is serializable: the outcome is as if the transactions had run one after the other. A store that locks
///   out other writers, from the beginning of a transaction to its end, does this.
/// - A transaction sees its own writes. A read-only transaction sees one state from its beginning to its end.
/// - [`read`](Self::read) does not wait for the disk of a writer. The check of an access token reads on the thread of the
///   request.
/// - A failure is [`PortError::Unavailable`] if the same call may succeed later, else [`PortError::Corrupt`].
pub trait KeyValueStore: Send + Sync {
    /// Runs `body` in a read-only transaction.
    ///
    /// # Errors
    /// The error of `body`, or why the transaction did not begin.
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError>;

    /// Runs `body` in a transaction, and commits it when `body` returns `Ok`. The writes are durable when this call returns.
    /// When `body` returns an error, none of them takes effect.
    ///
    /// A store that detects conflicts at the commit runs `body` again, in a new transaction.
    ///
    /// # Errors
    /// The error of `body`, or why the transaction did not begin or commit.
    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError>;
}

/// A transaction that reads.
pub trait ReadTransaction {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// Why the value could not be read. A missing key is `None`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, PortError>;

    /// Returns the first `limit` entries whose keys are in the range, in ascending order of the bytes of their keys. The
    /// start of the range is included, and the end is not. The start is not greater than the end. The limit is 1 to 1,000.
    ///
    /// # Errors
    /// Why the entries could not be read.
    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError>;
}

/// A transaction that reads and writes.
pub trait WriteTransaction: ReadTransaction {
    /// Stores a value, and replaces the earlier value of the key.
    ///
    /// # Errors
    /// Why the value could not be written.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), PortError>;

    /// Deletes a key and its value. A missing key is not an error.
    ///
    /// # Errors
    /// Why the key could not be deleted.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), PortError>;
}
