//! The dialects: one user store, served under several API documents at once.
//!
//! A dialect is a folder in this module, a `mod` line, and an entry in [`ALL`]. It lists its routes, answers requests
//! through the use cases of the domain, and renders every [`Failure`](crate::failure::Failure) in its own envelope.

pub mod accounts;
mod all;
pub mod cookie;
mod credentials;
mod dialect;
pub mod directory;
mod operation;
mod router;
mod schema;
pub mod single_token;
pub mod token_pair;

pub use all::ALL;
pub(crate) use dialect::routes;
pub use dialect::{Context, Dialect, Endpoint, Handler, Profile, PublicTerms, Route};
pub(crate) use operation::BodyDoc;
pub use operation::Operation;
pub use router::{MountedDialect, Router};
pub(crate) use schema::BodySchema;
