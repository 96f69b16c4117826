//! The proxies whose forwarding headers the service trusts.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A set of networks, empty by default: then no forwarding header is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "addresses or CIDR blocks such as 10.0.0.0/8 and 2001:db8::/32, in a list";

    pub(crate) fn parse(list: &str) -> Option<Self> {
        if list.is_empty() {
            return Some(Self::default());
        }
        list.split(',').map(|item| parse_network(item.trim())).collect::<Option<_>>().map(Self)
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
