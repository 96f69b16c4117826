//! The other origins whose pages browsers let use the service.

use std::fmt;

use super::PublicUrl;

/// What [`CorsOrigins::parse`] takes.
pub(super) const ALLOWED: &str =
    "origins as browsers send them, such as https://app.example.com or http://localhost:5173, in a list";

/// A set of origins (RFC 6454, section 6.2); none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<PublicUrl>);

impl CorsOrigins {
    pub(super) fn parse(list: &str) -> Option<Self> {
        if list.is_empty() {
            return Some(Self::default());
        }
        list.split(',').map(|item| origin(item.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether `origin`, as a browser sent it, is one of these.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.iter().any(|known| known == origin)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(PublicUrl::as_str)
    }

    /// The first whose pages can be altered on their way to the browser.
    pub(super) fn first_unprotected(&self) -> Option<&str> {
        self.0.iter().find(|origin| !origin.is_https() && !origin.is_loopback()).map(PublicUrl::as_str)
    }
}

impl fmt::Display for CorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(","))
    }
}

/// An origin in the one form in which browsers write it, so that comparing texts is enough. `*`, which may stand in
/// a host's name as far as URLs are concerned, would match nothing.
fn origin(text: &str) -> Option<PublicUrl> {
    PublicUrl::parse(text).filter(|url| url.as_str() == text && !text.contains('*'))
}
