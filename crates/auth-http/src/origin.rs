//! Web origins and networks: the service's own URL, the web origins that may call it, and the proxies that it trusts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::{Host, Url};

/// The URL under which clients reach the service: scheme, host and port. It is the issuer of the access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A set of web origins (RFC 6454, section 6.2), empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<PublicUrl>);

impl CorsOrigins {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "origins as browsers send them, such as https://app.example.com or http://localhost:5173, in a list";

    pub(crate) fn parse(list: &str) -> Option<Self> {
        parse_list(list, parse_origin).map(Self)
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

/// A set of networks, empty by default: then no forwarding header is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "addresses or CIDR blocks such as 10.0.0.0/8 and 2001:db8::/32, in a list";

    pub(crate) fn parse(list: &str) -> Option<Self> {
        parse_list(list, parse_network).map(Self)
    }

    /// Whether `address` belongs to a trusted proxy. An IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) is
    /// compared as the IPv4 address that it contains.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the networks contains every address, so that every client is trusted.
    pub(crate) fn contains_every_address(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<_> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().map(|network: IpNet| network.trunc())
}

/// Parses items with commas between them. An empty text is an empty list.
fn parse_list<T>(list: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    list.split(',').map(|item| parse(item.trim())).collect()
}
