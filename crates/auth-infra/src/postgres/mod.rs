//! Users, sessions, API keys, the audit trail and the counters of attempts on PostgreSQL, for production and for several
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
//! Each call is one transaction; concurrent refreshes share one, and so do concurrently opened sessions. A call is answered
//! within three seconds, whatever happens to the server: a connection with an overdue answer is closed. Callers do not notice
//! a restart of the server. Work that had not reached its commit is repeated on a new connection, and so is work that the
//! server undid in favour of another transaction.
//!
//! Connections have prepared statements and settings of their own. A pooler must keep one server connection for each of ours
//! as long as ours lives (session mode), and must pass on the startup parameter `options`.

#[path = "../sql/shared/api_keys.rs"]
mod api_keys;
mod attempts;
mod audit_append;
#[path = "../sql/shared/audit_events.rs"]
mod audit_events;
mod batcher;
mod connect;
mod error;
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
mod user_cache;
#[path = "../sql/shared/user_writes.rs"]
mod user_writes;
#[path = "../sql/shared/users.rs"]
mod users;

pub use connect::{PostgresSettings, PostgresStore};
