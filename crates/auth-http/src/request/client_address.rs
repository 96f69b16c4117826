//! Determines the client address of a request.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};

use crate::origin::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: that of the socket, or behind a trusted proxy the right-most address in
/// `X-Forwarded-For` that is not a trusted proxy. The client can forge every entry to the left of it.
#[must_use]
pub fn client_address(request: &HttpRequest, trusted: &TrustedProxies) -> Option<IpAddr> {
    let socket = request.peer_addr()?.ip().to_canonical();
    Some(behind_proxies(socket, request.headers(), trusted))
}

fn behind_proxies(socket: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    if !trusted.contains(socket) {
        return socket;
    }
    let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
    let mut address = socket;
    for hop in lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("").rsplit(',')) {
        let Some(hop) = parse_hop(hop.trim()) else { return address };
        address = hop;
        if !trusted.contains(hop) {
            return hop;
        }
    }
    address
}

/// Parses an address. Some proxies append a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let with_port = text.parse().map(|address: SocketAddr| address.ip());
    text.parse().or(with_port).ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn address(socket: &str, forwarded: &[&'static str]) -> String {
        let trusted = TrustedProxies::parse("10.0.0.0/8").expect("a list");
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        behind_proxies(socket.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_can_forward_an_address() {
        assert_eq!(address("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn forged_addresses_are_ignored() {
        assert_eq!(address("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"]), "198.51.100.7");
    }

    #[test]
    fn last_valid_hop_is_the_address() {
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7, nonsense, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn ports_and_mapped_addresses_are_parsed() {
        assert_eq!(address("10.0.0.1", &["198.51.100.7:5123"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["[2001:db8::1]:5123"]), "2001:db8::1");
        assert_eq!(address("10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }
}
