//! The dialects: one user store, served under several API documents at once.
//!
//! A dialect consists of a folder here, one `mod` line, and one entry in [`ALL`]. It lists its routes, answers them
//! through the use cases of the domain, and renders every [`Failure`](crate::failure::Failure) in its own envelope.

pub mod accounts;
pub mod cookie;
mod dialect;
pub mod directory;
mod router;
pub mod single_token;
pub mod token_pair;

pub use dialect::{Context, Dialect, Endpoint, Handler, Profile, PublicTerms, Route};
pub use router::{MountedDialect, Router};

/// Every dialect that can be served.
pub static ALL: [&dyn Dialect; 5] = [
    &single_token::SingleToken,
    &directory::Directory,
    &token_pair::TokenPair,
    &accounts::Accounts,
    &cookie::Cookie,
];
