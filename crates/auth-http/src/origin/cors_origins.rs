//! The web origins whose pages may call the service from a browser.

use std::fmt;

use super::PublicUrl;

/// A set of web origins (RFC 6454, section 6.2), empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<PublicUrl>);

impl CorsOrigins {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "origins as browsers send them, such as https://app.example.com or http://localhost:5173, in a list";

    pub(crate) fn parse(list: &str) -> Option<Self> {
        if list.is_empty() {
            return Some(Self::default());
        }
        list.split(',').map(|item| parse_origin(item.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether the set contains `origin`, the value of an `Origin` header.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.iter().any(|allowed| allowed == origin)
    }

    /// Whether the set contains no origin.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origins in the order of the setting.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(PublicUrl::as_str)
    }

    /// The first origin without TLS on another machine: an attacker on the network can alter its pages.
    pub(crate) fn first_unprotected(&self) -> Option<&str> {
        self.0.iter().find(|origin| !origin.is_https() && !origin.is_loopback()).map(PublicUrl::as_str)
    }
}

impl fmt::Display for CorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(","))
    }
}

/// Accepts an origin only in the form in which browsers send it, so that comparing texts is enough.
///
/// The URL standard allows `*` in a host name, but such an origin would match nothing and is therefore refused.
fn parse_origin(text: &str) -> Option<PublicUrl> {
    PublicUrl::parse(text).filter(|url| url.as_str() == text && !text.contains('*'))
}
