//! The list of all dialects. It is in a file of its own, so that nothing else in this module depends on every dialect.

use super::{Dialect, accounts, cookie, directory, single_token, token_pair};

/// Every dialect that can be served.
pub static ALL: [&dyn Dialect; 5] = [
    &single_token::SingleToken,
    &directory::Directory,
    &token_pair::TokenPair,
    &accounts::Accounts,
    &cookie::Cookie,
];
