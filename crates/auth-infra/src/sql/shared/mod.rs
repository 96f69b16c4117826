//! The adapters that are the same for both engines. `super` is the engine's module: see [`crate::sql`].

use super::{migrate, prelude, purge_statements};

mod api_keys;
mod audit_events;
mod database;
pub(crate) mod error;
mod imports;
mod migrations;
mod purge;
pub(crate) mod refresh;
mod revocation_feed;
pub(crate) mod rows;
pub(crate) mod session_writes;
mod sessions;
mod user_writes;
mod users;

pub(crate) use database::{Database, commit};
pub(crate) use migrations::{read_migrations, run_migrations};
pub(crate) use revocation_feed::{in_time, log_feed};
