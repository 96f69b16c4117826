//! The real binary, in a process of its own, over HTTP.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod client;
mod connection;
mod lost_response;
mod random;
mod raw;
mod response;
mod rotating;
mod server;
mod test_data;

pub use client::Client;
pub use connection::Connection;
pub use lost_response::LostResponses;
pub use random::Random;
pub use raw::{connect, send_raw};
pub use response::Response;
pub use rotating::{Grant, RotatingDialect};
pub use server::{PUBLIC_URL, TestServer, command, run};
pub use test_data::TestData;

use jsonwebtoken::dangerous::insecure_decode_claims;
use serde_json::Value;

/// The claims of a token. Its signature is not verified.
#[must_use]
pub fn claims(token: &str) -> Value {
    insecure_decode_claims(token).expect("claims")
}

/// The numbers among this program's arguments: Cargo adds flags of its own to those of a bench.
pub fn arguments() -> impl Iterator<Item = usize> {
    std::env::args().skip(1).filter_map(|argument| argument.parse().ok())
}
