#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

mod bearer;
mod builder;
mod claims;
mod clock;
mod compact;
mod ended_sessions;
mod error;
mod follower;
mod http;
mod key_cache;
mod key_set;
mod locks;
mod verifier;

#[cfg(test)]
mod tests;

pub use builder::{InvalidVerifier, VerifierBuilder, WhenStale};
pub use claims::{Claims, SessionId, TokenId, UserId};
pub use clock::{Clock, SystemClock};
pub use error::{ErrorKind, FetchError, VerifyError};
pub use follower::Following;
#[cfg(feature = "ureq")]
pub use http::UreqClient;
pub use http::{HttpClient, HttpError, HttpResponse};
pub use verifier::{Staleness, Verifier};
