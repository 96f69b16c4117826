//! Users, credentials, sessions and tokens.

pub mod model;
pub mod policy;
pub mod ports;

mod auth;

pub use auth::{Auth, Ports};
