//! Determines the client address of a request.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use auth_domain::model::ClientAddress;

use crate::origin::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client: that of the socket, or behind a trusted proxy the right-most address in
/// `X-Forwarded-For` that is not a trusted proxy. The client can forge every element to the left of it.
///
/// An element that is not an address ends the search: the client counts as the proxy that wrote it.
#[must_use]
pub fn client_address(request: &HttpRequest, trusted: &TrustedProxies) -> Option<ClientAddress> {
    let socket = request.peer_addr()?.ip();
    Some(behind_proxies(socket, request.headers(), trusted).into())
}

fn behind_proxies(socket: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut elements = elements_from_the_right(headers, &X_FORWARDED_FOR);
    let mut address = socket;
    while trusted.contains(address) {
        let Some(hop) = elements.next().and_then(parse_address) else { break };
        address = hop;
    }
    address
}

/// The header in which the holder of an API key reports the address of the end user.
const X_END_USER_ADDRESS: HeaderName = HeaderName::from_static("x-end-user-address");

/// The header contains no address, or something else where an address must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidAddress;

/// The address of the end user on whose behalf `program` sends the request: the right-most address that is neither a trusted
/// proxy nor `program` itself. `None` if the program reports none.
///
/// The header may contain a list, so that a program can pass on what its own proxies appended.
pub(super) fn end_user_address(
    headers: &HeaderMap,
    trusted: &TrustedProxies,
    program: Option<ClientAddress>,
) -> Result<Option<ClientAddress>, InvalidAddress> {
    if !headers.contains_key(X_END_USER_ADDRESS) {
        return Ok(None);
    }
    let mut elements = elements_from_the_right(headers, &X_END_USER_ADDRESS).peekable();
    elements.peek().ok_or(InvalidAddress)?;
    for element in elements {
        let address = parse_address(element).filter(|address| !address.is_unspecified());
        let address = address.ok_or(InvalidAddress)?;
        if !trusted.contains(address) && program != Some(address.into()) {
            return Ok(Some(address.into()));
        }
    }
    Ok(None)
}

/// The elements of a list header, last one first, over all its lines. Empty elements are skipped (RFC 9110, section
/// 5.6.1.2).
///
/// They are bytes, because a client can put any byte to the left of what a proxy appends.
fn elements_from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines: Vec<_> = headers.get_all(name).collect();
    let elements = lines.into_iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Parses an address. Some proxies append a port, brackets (RFC 3986, section 3.2.2) or a zone (RFC 4007, section 11).
fn parse_address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    if let Some((address, zone)) = text.split_once('%') {
        let after = zone.find(']').map_or("", |end| &zone[end..]);
        return parse_address_without_zone(&format!("{address}{after}"));
    }
    parse_address_without_zone(text)
}

fn parse_address_without_zone(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn address_of_bytes(socket: &str, forwarded: &[&[u8]]) -> String {
        let trusted = TrustedProxies::parse("10.0.0.0/8,fe80::/10").expect("a list");
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).expect("a header"));
        }
        let socket = socket.parse().expect("an address");
        ClientAddress::from(behind_proxies(socket, &headers, &trusted)).to_string()
    }

    fn address(socket: &str, forwarded: &[&str]) -> String {
        let lines: Vec<_> = forwarded.iter().map(|line| line.as_bytes()).collect();
        address_of_bytes(socket, &lines)
    }

    #[test]
    fn only_a_trusted_proxy_can_forward_an_address() {
        assert_eq!(address("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
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
        for unreadable in
            ["unknown", "_hidden", "198.51.100", "198.51.100.7:99999", "[::1", "::1]", "%", "\"::1\""]
        {
            assert_eq!(address("10.0.0.1", &["198.51.100.7", unreadable]), "10.0.0.1", "{unreadable}");
        }
    }

    #[test]
    fn junk_of_the_client_hides_nothing_that_a_proxy_wrote() {
        for junk in
            [&b"\xff"[..], b"\xc3\xa4", b"\t", b"unknown", b"_id", b",,,", b"\"", b"1.2.3.4:99999", b"%"]
        {
            let line = [junk, b", 198.51.100.7,\t10.0.0.2 "].concat();
            assert_eq!(address_of_bytes("10.0.0.1", &[&line]), "198.51.100.7", "{junk:?}");
            assert_eq!(address_of_bytes("10.0.0.1", &[junk, b"198.51.100.7"]), "198.51.100.7", "{junk:?}");
        }
    }

    fn end_user(lines: &[&[u8]]) -> Result<Option<String>, InvalidAddress> {
        let trusted = TrustedProxies::parse("10.0.0.0/8").expect("a list");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_END_USER_ADDRESS, HeaderValue::from_bytes(line).expect("a header"));
        }
        let program = "192.0.2.1".parse().ok();
        let address = end_user_address(&headers, &trusted, program)?;
        Ok(address.map(|address| address.to_string()))
    }

    #[test]
    fn end_user_is_the_right_most_address_of_another_machine() {
        let cases: [(&[&[u8]], Option<&str>); 8] = [
            (&[], None),
            (&[b"198.51.100.7"], Some("198.51.100.7")),
            (&[b"203.0.113.9, 198.51.100.7, 192.0.2.1, 10.0.0.2"], Some("198.51.100.7")),
            (&[b"203.0.113.9", b"198.51.100.7:80", b"::ffff:192.0.2.1"], Some("198.51.100.7")),
            (&[b"\xff, 198.51.100.7,, "], Some("198.51.100.7")),
            (&[b"64:ff9b::198.51.100.7"], Some("198.51.100.7")),
            (&[b"[2001:db8::1]"], Some("2001:db8::1")),
            (&[b"192.0.2.1, 10.0.0.2"], None),
        ];
        for (lines, expected) in cases {
            assert_eq!(end_user(lines), Ok(expected.map(str::to_owned)), "{lines:?}");
        }
        let invalid: [&[u8]; 9] = [
            b"",
            b" , ",
            b"unknown",
            b"198.51.100",
            b"\xff",
            b"0.0.0.0",
            b"::",
            b"198.51.100.7, unknown",
            b"unknown, 10.0.0.2",
        ];
        for line in invalid {
            assert_eq!(end_user(&[line]), Err(InvalidAddress), "{line:?}");
        }
    }

    #[test]
    fn empty_elements_and_lines_are_skipped() {
        assert_eq!(address("10.0.0.1", &["198.51.100.7,", ", ,10.0.0.2,\t", ""]), "198.51.100.7");
    }

    #[test]
    fn ports_brackets_zones_and_embedded_addresses_are_parsed() {
        for (hop, expected) in [
            ("198.51.100.7:5123", "198.51.100.7"),
            ("[2001:db8::1]:5123", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
            ("64:ff9b::198.51.100.7", "198.51.100.7"),
            ("2002:c633:6407::1", "198.51.100.7"),
            ("198.51.100.7, fe80::1%eth0", "198.51.100.7"),
            ("198.51.100.7, [fe80::1%25eth0]:80", "198.51.100.7"),
            ("198.51.100.7, 64:ff9b::10.0.0.2", "198.51.100.7"),
        ] {
            assert_eq!(address("10.0.0.1", &[hop]), expected, "{hop}");
        }
    }
}
