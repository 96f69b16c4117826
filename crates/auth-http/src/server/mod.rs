//! The running server, from its settings to its shutdown.

mod answer_body;
mod application;
pub(crate) mod connections;
mod cors;
mod host;
mod observer;
mod public_documents;
mod signals;
mod surplus;
pub(crate) mod telemetry;

pub use application::{app, serve};
pub use observer::Observer;
