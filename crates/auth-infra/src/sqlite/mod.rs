//! Users, sessions, API keys and the audit trail on embedded SQLite, for one node and for trials.
//!
//! ```no_run
//! use auth_infra::sqlite::{SqliteSettings, SqliteStore};
//!
//! # async fn start() -> Result<(), auth_infra::store::StoreError> {
//! let store = SqliteStore::connect(&SqliteSettings::new("data/auth.db"))?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each call is one transaction, or shares one with concurrent calls, and is on disk before it is acknowledged. A transaction
//! that writes locks the database from its first statement on (`BEGIN IMMEDIATE`), so nothing changes while it reads. Readers
//! never wait (write-ahead log). Another process may use the file at the same time.

mod audit_append;
mod connect;
mod group_commit;
mod migrate;
mod open_session;
mod prelude;
mod purge_statements;
mod refresh;
mod result_codes;
mod revocations;
mod revoked_rows;
#[path = "../sql/shared/mod.rs"]
mod shared;
mod values;

use self::shared::error;

pub use connect::{SqliteSettings, SqliteStore};
