//! What both stores share. Nothing here imports `postgres` or `sqlite`.
//!
//! The files in `shared/` are the adapters that are the same for both engines. Each engine mounts them as its own module
//! `shared` with `#[path]`, so the compiler sees them once per engine with that engine's types. They take everything that depends
//! on the engine from the module `prelude` of that engine: `Connection`, `Row`, `Store`, `DbError` and the conversion of
//! times. See ADR 0003.
//!
//! Statements use `$1` placeholders, which the drivers of both engines accept. The statements on hot paths are `.sql`
//! files, here for both engines in `statements/` and for one engine in its own folder. The benchmark reads the same files.

use futures_util::future::BoxFuture;

mod error;
mod migrations;
mod outcome;
mod pool;
mod revoked_sessions;

pub use self::error::StoreError;
pub(crate) use self::error::{CorruptValue, ErrorMessage};
pub(crate) use self::migrations::{Migrations, migrations};
pub(crate) use self::outcome::{ACQUIRE_TIMEOUT, CLOSE_TIMEOUT, DEADLINE, TxOutcome, within};
pub(crate) use self::pool::{Lease, Pool};
pub(crate) use self::revoked_sessions::{
    CHUNK_SIZE, FULL_READ_INTERVAL, FULL_READ_TIMEOUT, RevokedSessions, log_feed,
};

/// The work of a call, given a connection and its arguments. The future is boxed, because the compiler cannot prove that the
/// future of an async closure with borrowed arguments is `Send`.
pub(crate) type Work<C, A, T, E> = for<'c> fn(&'c mut C, &'c A) -> BoxFuture<'c, Result<T, E>>;
