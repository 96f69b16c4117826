//! The routes outside the dialects: pages and documents, health, and the public signing keys.

pub(crate) mod api_reference;
pub(crate) mod front_page;
mod readiness;
mod routes;

pub use readiness::Readiness;
pub use routes::{StaticFile, SystemRoutes};
