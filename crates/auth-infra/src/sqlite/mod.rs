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

#[path = "../sql/shared/api_keys.rs"]
mod api_keys;
mod audit_append;
#[path = "../sql/shared/audit_events.rs"]
mod audit_events;
mod connect;
mod error;
mod group_commit;
mod import_statements;
#[path = "../sql/shared/imports.rs"]
mod imports;
mod migrate;
mod open_session;
mod prelude;
mod refresh;
mod revocations;
#[path = "../sql/shared/rows.rs"]
mod rows;
mod session_purge;
#[path = "../sql/shared/session_writes.rs"]
mod session_writes;
#[path = "../sql/shared/sessions.rs"]
mod sessions;
mod transaction;
#[path = "../sql/shared/user_writes.rs"]
mod user_writes;
#[path = "../sql/shared/users.rs"]
mod users;

pub use connect::{SqliteSettings, SqliteStore};
