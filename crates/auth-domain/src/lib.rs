//! Users, credentials, sessions and tokens.

pub mod model;
pub mod policy;
pub mod ports;
pub mod use_cases;

mod auth;

pub use auth::{Auth, Ports};
