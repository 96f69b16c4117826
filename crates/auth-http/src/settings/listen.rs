//! The address of the listener.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

/// The port if neither `listen` nor the variable `PORT` names one.
const DEFAULT_PORT: u16 = 8080;
/// The maximum length of a host name, without its final dot (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// The maximum length of one label of a host name (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// A host and a port to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    host: Host,
    /// `None` if only the host is configured.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// The address of an interface; its port has no meaning.
    Address(SocketAddr),
    Name(String),
}

impl ListenAddress {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str = "an IP address or a host name, with or without a port, such as 127.0.0.1:8080, [::]:8080 or localhost";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self { host: Host::Address(address), port: Some(address.port()) });
        }
        if let Some(address) = parse_ip(text) {
            return Some(Self { host: Host::Address((address, 0).into()), port: None });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(parse_port(port)?)),
            None => (text, None),
        };
        is_host_name(name).then(|| Self { host: Host::Name(name.to_ascii_lowercase()), port })
    }

    /// The same address with this port.
    pub(super) fn with_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    /// Whether only this machine reaches the address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.ip().is_loopback(),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// The address of the socket. Of the addresses of a host name it is the first IPv4 address, else the first one.
    ///
    /// # Errors
    /// When the name has no address.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        let name = match &self.host {
            Host::Address(address) => return Ok(with_port(*address, self.port())),
            Host::Name(name) => name.as_str(),
        };
        let addresses: Vec<_> = (name, self.port()).to_socket_addrs()?.collect();
        let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        first.copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    }
}

impl Default for ListenAddress {
    fn default() -> Self {
        Self { host: Host::Address((Ipv4Addr::LOCALHOST, 0).into()), port: None }
    }
}

/// Writes the host and the port, as in a URL.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => with_port(*address, self.port()).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port()),
        }
    }
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// An IP address, with or without the brackets around IPv6 in a URL.
fn parse_ip(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => text.parse().ok(),
    }
}

/// Digits only: the number parser of Rust also accepts a sign.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Whether the text has the form of RFC 1123, section 2.1. The last label is not a number, so that a mistyped address or a
/// mere port is no name.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_NAME && name.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        ListenAddress::parse(text).map(|address| address.to_string())
    }

    #[test]
    fn an_address_has_a_host_and_perhaps_a_port() {
        for (text, expected) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("127.0.0.1", "127.0.0.1:8080"),
            ("[::1]:9000", "[::1]:9000"),
            ("[::1]", "[::1]:8080"),
            ("::1", "[::1]:8080"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[fe80::1%2]:80", "[fe80::1%2]:80"),
            ("localhost:9000", "localhost:9000"),
            ("Auth.Internal.", "auth.internal.:8080"),
            ("node-1_a", "node-1_a:8080"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "8080",
            ":8080",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:+80",
            "127.0.0",
            "256.0.0.1",
            "127.0.0.1:80:80",
            "[127.0.0.1]:80",
            "[::1",
            "::1]:80",
            "local host",
            "-a",
            "a-",
            "a..b",
            "*",
            "http://localhost",
            "localhost/",
            "\u{e4}",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_resolves_to_an_address_of_the_machine() {
        let address = ListenAddress::parse("localhost:9000").expect("an address");
        assert!(address.is_loopback());
        assert_eq!(address.resolve().expect("an address"), ([127, 0, 0, 1], 9000).into());
        assert!(ListenAddress::parse("no-such-host.invalid").expect("a name").resolve().is_err());
    }
}
