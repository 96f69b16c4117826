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
//! a restart of the server. Work that had not reached its commit is repeated on a new connection. Work that the server rolled
//! back in favour of another transaction is repeated too.
//!
//! Connections have prepared statements and settings of their own. A pooler must therefore run in session mode: it keeps one
//! server connection for each of ours as long as ours lives. It must also pass on the startup parameter `options`.

mod attempts;
mod audit_append;
mod batcher;
mod cached_users;
mod connect;
mod executor;
mod migrate;
mod nodes;
mod open_request;
mod open_session;
mod prelude;
mod purge_statements;
mod refresh;
mod revocations;
#[path = "../sql/shared/mod.rs"]
mod shared;
mod sqlstate;
mod transaction;
mod url;
mod user_cache;
mod values;

use self::shared::error;

pub use connect::{PostgresSettings, PostgresStore};
pub use url::{InvalidPostgresUrl, PostgresUrl};
