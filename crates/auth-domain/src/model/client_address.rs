//! The address of a client, in the form in which addresses are compared.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The IP address of a client. Several spellings of one address are equal:
///
/// - an IPv4-mapped address, `::ffff:192.0.2.1` (RFC 4291, section 2.5.5.2);
/// - an address behind NAT64 with the well-known prefix, `64:ff9b::192.0.2.1` (RFC 6052, section 2.1);
/// - a 6to4 address, `2002:c000:0201::1` (RFC 3056).
///
/// Each of them is the IPv4 address that it embeds. The prefix for local use, `64:ff9b:1::/48` (RFC 8215), is left as it
/// is, because its operator chooses the position of the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Returns the address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns the network whose members count as one client: the address itself, or the first 64 bits of an IPv6
    /// address. That is the smallest network that providers assign to a customer.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        }
    }
}

impl<T: Into<IpAddr>> From<T> for ClientAddress {
    fn from(address: T) -> Self {
        Self(match address.into() {
            IpAddr::V6(address) => embedded(address).map_or(address.into(), IpAddr::V4),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl FromStr for ClientAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpAddr>().map(Self::from)
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(join(high, low)).filter(|address| can_be_translated(*address))
        }
        _ => None,
    }
}

/// Whether a translated packet can have this source. Another address in such a prefix is forged (RFC 3964, section 5.3.1),
/// so it must not be taken for a trusted proxy on this machine.
fn can_be_translated(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    !matches!((first, second), (0 | 127 | 224.., _) | (169, 254))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ClientAddress {
        text.parse().expect("an address")
    }

    #[test]
    fn spellings_of_one_ipv4_address_are_equal() {
        for text in [
            "::ffff:192.0.2.1",
            "::ffff:c000:201",
            "64:ff9b::192.0.2.1",
            "2002:c000:201::",
            "2002:c000:201:7::9",
        ] {
            assert_eq!(address(text), address("192.0.2.1"), "{text}");
            assert_eq!(address(text).to_string(), "192.0.2.1");
        }
        assert_eq!(address("64:ff9b::10.1.2.3"), address("10.1.2.3"));
        assert_eq!(address("::ffff:127.0.0.1"), address("127.0.0.1"));
    }

    #[test]
    fn similar_prefixes_embed_no_address() {
        for text in [
            "::192.0.2.1",
            "64:ff9b:1::c000:201",
            "64:ff9b:0:0:0:1:c000:201",
            "64:ff9c::c000:201",
            "2001:0:c000:201::1",
            "2003:c000:201::1",
            "::fffe:c000:201",
        ] {
            assert_eq!(address(text).ip(), text.parse::<IpAddr>().expect("an address"), "{text}");
        }
    }

    #[test]
    fn forged_translations_are_not_the_embedded_address() {
        for v4 in ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"] {
            let bits = v4.parse::<Ipv4Addr>().expect("an address").to_bits();
            let sixtofour = Ipv6Addr::from_bits((0x2002 << 112) | (u128::from(bits) << 80) | 1);
            for forged in [format!("64:ff9b::{v4}"), sixtofour.to_string()] {
                assert!(address(&forged).ip().is_ipv6(), "{forged}");
            }
        }
    }

    #[test]
    fn an_ipv6_network_has_64_bits() {
        assert_eq!(address("2001:db8:1:2:ffff::9").network(), address("2001:db8:1:2::").ip());
        assert_ne!(address("2001:db8:1:2::9").network(), address("2001:db8:1:3::9").network());
        assert_eq!(address("192.0.2.1").network(), address("192.0.2.1").ip());
    }
}
