//! The real binary, in a process of its own, over HTTP.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod answer;
mod client;
mod raw;
mod server;
mod world;

pub use answer::Answer;
pub use client::Client;
pub use raw::{connect, send_raw};
pub use server::{PUBLIC_URL, Server, command, run};
pub use world::World;
