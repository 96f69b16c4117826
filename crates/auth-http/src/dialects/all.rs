//! The list of all dialects. It has its own file, so that no other file of this module depends on every dialect.

use super::{Dialect, accounts, cookie, directory, single_token, token_pair};

// The order matters: the router tries dialects that share a path in this order, and the last one is the default.
pub static ALL: [&dyn Dialect; 5] = [
    &single_token::SingleToken,
    &directory::Directory,
    &token_pair::TokenPair,
    &accounts::Accounts,
    &cookie::Cookie,
];
