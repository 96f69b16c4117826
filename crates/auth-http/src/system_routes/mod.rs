//! The routes outside the dialects: pages and documents, health, and the public signing keys.

pub(crate) mod api_reference;
pub(crate) mod front_page;
mod readiness;
mod routes;
mod static_file;

pub use readiness::Readiness;
pub use routes::SystemRoutes;
pub use static_file::StaticFile;
