#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod model;
pub mod policy;
pub mod ports;
#[cfg(feature = "records")]
pub mod records;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod use_cases;

mod auth;
mod error;
mod extensions;
mod random;

pub use auth::{Auth, Ports, UseCases};
pub use error::{DomainError, ErrorKind};
