//! The service's own URL, and the networks of the proxies that it trusts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auth_domain::model::ClientAddress;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

use crate::settings::ListenAddress;

/// The URL under which clients reach the service: scheme, host and port. It is the issuer of the access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    is_https: bool,
    is_loopback: bool,
    /// The other origins of the same listener, if this is the default URL of a loopback address.
    aliases: Vec<String>,
}

impl PublicUrl {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "https://HOST[:PORT], or http://, without user, path, query and fragment";

    /// The default URL, that of a listener without TLS on `address`.
    ///
    /// A developer opens a loopback listener under any of its names. They are therefore one origin, unless the URL is
    /// configured.
    pub(crate) fn of_listener(address: &ListenAddress) -> Self {
        // Browsers omit the default port from an origin.
        let text = format!("http://{address}").trim_end_matches(":80").to_owned();
        let is_loopback = address.is_loopback();
        let port = if address.port() == 80 { String::new() } else { format!(":{}", address.port()) };
        let names = ["localhost", "127.0.0.1", "[::1]"].iter().filter(|_| is_loopback);
        let aliases = names.map(|name| format!("http://{name}{port}")).collect();
        Self { text, is_https: false, is_loopback, aliases }
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
            && url.port() != Some(0)
            // The URL standard allows it, but no host has such a name.
            && !url.host_str().is_some_and(|host| host.contains('*'));
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_bare && is_web).then(|| Self {
            text: url.origin().ascii_serialization(),
            is_https: url.scheme() == "https",
            is_loopback,
            aliases: Vec::new(),
        })
    }

    /// The URL without a trailing slash: `https://auth.example.com`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `origin`, the value of an `Origin` header, is the origin of this URL.
    #[must_use]
    pub fn has_origin(&self, origin: &str) -> bool {
        self.text == origin || self.aliases.iter().any(|alias| alias == origin)
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

    /// Whether `address` belongs to a trusted proxy, as it is or as the IPv4 address that it counts as
    /// ([`ClientAddress`]). IPv6 networks contain no IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (address, counts_as) = (address.to_canonical(), ClientAddress::from(address).ip());
        self.0.iter().any(|network| network.contains(&address) || network.contains(&counts_as))
    }

    /// The first network without any address that a host can have, so that it would never match.
    pub(crate) fn first_without_hosts(&self) -> Option<IpNet> {
        let has_none = |network: &&IpNet| WITHOUT_HOSTS.iter().any(|without| without.contains(*network));
        self.0.iter().find(has_none).copied()
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

/// Parses an address, or an address and a prefix length. A mapped IPv6 network is the IPv4 network that it embeds.
fn parse_network(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(|address| address.to_canonical().into());
    };
    let address: IpAddr = address.parse().ok()?;
    // A sign or a leading zero is a mistake. Some programs read a leading zero as octal.
    let length = length.parse::<u8>().ok().filter(|number| number.to_string() == length)?;
    let network = match address.to_canonical() {
        IpAddr::V4(mapped) if address.is_ipv6() => Ipv4Net::new(mapped, length.checked_sub(96)?).ok()?.into(),
        address => IpNet::new(address, length).ok()?,
    };
    // With the length 0, every address is in the network, so any other address is a mistake.
    (length > 0 || address.is_unspecified()).then(|| network.trunc())
}

/// Networks in which no host has an address: "this network" (RFC 6890), the unspecified address, multicast and broadcast.
const WITHOUT_HOSTS: [IpNet; 5] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 8)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::BROADCAST, 32)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8)),
];

/// Parses items with commas between them. An empty text is an empty list.
fn parse_list<T>(list: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    list.split(',').map(|item| parse(item.trim())).collect()
}
