//! The running server, from its settings to its shutdown.

mod answer_body;
mod application;
mod background;
pub(crate) mod connections;
mod cors;
mod host;
mod node_keys;
mod observer;
mod public_documents;
mod signals;
mod single_process;
mod surplus;
pub(crate) mod telemetry;

pub use application::{app, serve};
pub use observer::Observer;
