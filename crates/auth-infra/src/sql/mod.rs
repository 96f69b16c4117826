//! What both stores share. Nothing here imports `postgres` or `sqlite`.
//!
//! The files in `shared/` are the adapters that are the same for both engines. Each engine mounts them as its own module
//! `shared` with `#[path]`, so the compiler sees them once per engine with that engine's types. They take everything that depends
//! on the engine from the module `prelude` of that engine, such as `Connection`, `Row`, `Store` and the conversion of times.
//! See ADR 0003.
//!
//! Statements use `$1` placeholders, which the drivers of both engines accept. The statements on hot paths are `.sql`
//! files, here for both engines in `statements/` and for one engine in its own folder. The benchmark reads the same files.

use std::fmt::Write as _;

use futures_util::future::BoxFuture;

pub(crate) mod credentials;
mod ended_log;
mod ended_sessions;
mod error;
mod outcome;
mod pool;
mod revoked_sessions;
mod snapshot;

pub(crate) use self::ended_log::RevokedRow;
pub use self::ended_log::{Cursor, InvalidCursor};
pub use self::ended_sessions::{EndedSessions, EndedSessionsPage, FeedUnavailable, MAX_WAIT};
pub use self::error::StoreError;
pub(crate) use self::error::{CorruptValue, ErrorMessage};
pub(crate) use self::outcome::{ACQUIRE_TIMEOUT, CLOSE_TIMEOUT, DEADLINE, TxOutcome, within};
pub(crate) use self::pool::{Lease, Pool};
pub(crate) use self::revoked_sessions::{CHUNK_SIZE, FULL_READ_INTERVAL, FULL_READ_TIMEOUT, RevokedSessions};
pub(crate) use self::snapshot::Snapshot;

/// The work of a call, given a connection and its arguments. The future is boxed, because the compiler cannot prove that the
/// future of an async closure with borrowed arguments is `Send`.
pub(crate) type Work<C, A, T, E> = for<'c> fn(&'c mut C, &'c A) -> BoxFuture<'c, Result<T, E>>;

/// The files of one engine in `migrations/` of this crate: number, name and SQL, oldest first.
macro_rules! migrations {
    ($engine:literal: $($number:literal $name:literal),+) => {
        &[$((
            $number,
            $name,
            include_str!(concat!("../../migrations/", $engine, "/000", $number, "_", $name, ".sql")),
        )),+]
    };
}

/// The keys that a node signs with, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKeys {
    /// The key that signs now.
    pub signing: String,
    /// The key that signs next, or the same key.
    pub newest: String,
}

/// Runs a function of a connection and these arguments, all of which are `Copy`, as a call:
/// `call!(self.db.write, set_roles(user, roles, now))`.
macro_rules! call {
    ($store:ident.db.$verb:ident $(($begin:expr))?, $($work:ident)::+($($arg:ident),*)) => {
        $store
            .db
            .$verb($($begin,)? ($($arg,)*), |connection, &($($arg,)*)| {
                Box::pin($($work)::+(connection, $($arg),*))
            })
            .await
    };
}

pub(crate) use {call, migrations};

/// Bytes as the JSON parameters of statements contain them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
