//! The adapters that are the same for both engines. `super` is the engine's module: see [`crate::sql`].

use super::{import_statements, prelude, purge_statements};

mod api_keys;
mod audit_events;
mod calls;
mod imports;
mod migrations;
mod purge;
mod revocation_feed;
pub(crate) mod rows;
pub(crate) mod session_writes;
mod sessions;
mod user_writes;
mod users;

pub(crate) use migrations::applied_migrations;
