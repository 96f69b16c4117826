//! Users, sessions, API keys, the audit trail and counters of attempts on PostgreSQL, for production and for several
//! nodes.
//!
//! ```no_run
//! use auth_infra::postgres::{PostgresSettings, PostgresStore};
//!
//! # async fn start() -> Result<(), auth_infra::store::StoreError> {
//! let store = PostgresStore::connect(&PostgresSettings::new("postgres://auth:secret@db.example/auth"))?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each call is one transaction; refreshes that come together share one, and so do sessions that are opened. A call is
//! answered within three seconds whatever becomes of the server: a connection on which an answer is overdue is given up. A
//! server that was restarted is not noticed by callers: work that had not come to its commit is done again on a new
//! connection, and so is work that the server gave up for another's sake.
//!
//! Connections have prepared statements and settings of their own. A pooler in between has to lend each of its own for
//! as long as ours lives, and to pass the startup parameter `options` on.

mod api_keys;
mod attempts;
mod audit_events;
mod batcher;
mod connect;
mod error;
mod imports;
mod open_session;
mod refresh;
mod revocations;
mod rows;
mod schema;
mod sessions;
mod transaction;
mod user_cache;
mod user_writes;
mod users;

pub use connect::{PostgresSettings, PostgresStore};
