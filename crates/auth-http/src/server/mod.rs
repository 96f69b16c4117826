//! The running server, from its settings to its shutdown.

mod application;
mod background;
mod connections;
mod cors;
mod host;
mod idle_timeout;
mod node_keys;
mod observer;
pub(crate) mod telemetry;

pub use application::{app, serve};
pub use observer::Observer;
