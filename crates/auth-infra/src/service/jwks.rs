//! The public keys as a document.

use std::time::Duration;

use serde_json::Value;

/// The public keys that verify access tokens, to be served at `/.well-known/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwks {
    /// The JWK set (RFC 7517, section 5).
    pub document: Value,
    /// How long verifiers may cache it.
    pub max_age: Duration,
}

impl Jwks {
    /// The value of the header `Cache-Control` (RFC 9111, section 5.2.2).
    #[must_use]
    pub fn cache_control(&self) -> String {
        format!("public, max-age={}", self.max_age.as_secs())
    }
}
