//! The proxies whose word on a client's address is believed.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// What [`TrustedProxies::parse`] takes.
pub(super) const ALLOWED: &str = "addresses or CIDR blocks such as 10.0.0.0/8 and 2001:db8::/32, in a list";

/// A set of networks; none by default, so that nobody is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(crate) fn parse(list: &str) -> Option<Self> {
        if list.is_empty() {
            return Some(Self::default());
        }
        list.split(',').map(|item| network(item.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether `address` is one of these proxies. An IPv4 address that is written as an IPv6 one
    /// (RFC 4291, section 2.5.5.2) is taken for what it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everybody is trusted.
    pub(super) fn holds_everybody(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<_> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.ok().map(|network: IpNet| network.trunc())
}
