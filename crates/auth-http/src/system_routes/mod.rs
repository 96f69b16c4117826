//! The routes outside the dialects: pages and documents, health, the public signing keys and their
//! discovery, and the feed of ended sessions.

pub(crate) mod api_reference;
mod discovery;
mod ended_sessions;
pub(crate) mod front_page;
mod routes;
mod static_file;

pub(crate) use discovery::is_public_document;
pub use routes::SystemRoutes;
pub use static_file::StaticFile;
