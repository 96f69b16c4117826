//! The service's own URL.

use std::fmt;
use std::net::SocketAddr;

use url::{Host, Url};

/// The URL under which clients reach the service: scheme, host and port. It is the issuer of the access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    is_https: bool,
    is_loopback: bool,
}

impl PublicUrl {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "https://HOST[:PORT], or http://, without user, path, query and fragment";

    /// The URL of a listener without TLS on `address`.
    pub(crate) fn of_listener(address: SocketAddr) -> Self {
        Self { text: format!("http://{address}"), is_https: false, is_loopback: address.ip().is_loopback() }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_loopback = match url.host()? {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.port() != Some(0);
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_bare && is_web).then(|| Self {
            text: url.origin().ascii_serialization(),
            is_https: url.scheme() == "https",
            is_loopback,
        })
    }

    /// The URL without a trailing slash: `https://auth.example.com`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether clients connect with TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether only clients on this machine can use the URL.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}
