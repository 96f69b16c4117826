//! The dialects: one account store, spoken to in the words of several API documents.
//!
//! A dialect is a folder here, one `mod` line, and one entry in [`ALL`]. It says which routes it has, answers them
//! through the use cases of the domain, and renders every [`Failure`](crate::failure::Failure) in its own words.

pub mod accounts;
pub mod cookie;
mod dialect;
pub mod directory;
mod mount;
mod place;
pub mod single_token;
mod site;
pub mod token_pair;

pub use dialect::{Context, Dialect, Endpoint, Handler, Profile, Route, Terms};
pub use mount::Mount;
pub use site::Site;

/// Every dialect that can be served.
pub static ALL: [&dyn Dialect; 5] = [
    &single_token::SingleToken,
    &directory::Directory,
    &token_pair::TokenPair,
    &accounts::Accounts,
    &cookie::Cookie,
];
