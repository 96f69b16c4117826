//! Users, sessions, API keys and the audit trail on embedded SQLite, for one node and for trying things out.
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
//! Each call is one transaction, or shares one with others that wait at the same time, and is on disk before it is
//! acknowledged. Writers take turns from the first statement on
//! (`BEGIN IMMEDIATE`), so that none can find the database changed under it; readers wait for nobody (write-ahead log).
//! Another process may use the file at the same time.

mod api_keys;
mod audit_events;
mod connect;
mod error;
mod group_commit;
mod imports;
mod refresh;
mod revocations;
mod rows;
mod schema;
mod sessions;
mod transaction;
mod user_writes;
mod users;

pub use connect::{SqliteSettings, SqliteStore};
