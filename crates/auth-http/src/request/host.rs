//! Checks the host that a request is addressed to (RFC 9112, section 3.2).

use std::net::Ipv6Addr;

use actix_web::dev::RequestHead;
use actix_web::http::header::HOST;
use actix_web::http::{Method, Version};

use crate::failure::Failure;

/// Checks the `Host` header of a request, and the authority of its target.
///
/// The target has an authority in the absolute form and in that of `CONNECT` (RFC 9112, sections 3.2.2 and 3.2.3). This
/// authority replaces the header, but an invalid header is refused all the same. Only HTTP/1.0 may omit the header.
///
/// # Errors
/// [`Failure::MalformedHeader`] if the header is missing, repeated or invalid, or the authority is invalid.
pub fn check_host(head: &RequestHead) -> Result<(), Failure> {
    let mut hosts = head.headers.get_all(HOST);
    let is_header_valid = match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host.as_bytes()),
        (None, _) => head.version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    };
    if is_header_valid && is_target_valid(head) { Ok(()) } else { Err(Failure::MalformedHeader) }
}

/// A target in absolute form must be an `http` or `https` URI. Only `CONNECT` has a target without a scheme.
fn is_target_valid(head: &RequestHead) -> bool {
    let scheme = head.uri.scheme_str();
    let has_known_form = match (scheme, head.uri.authority()) {
        (Some(scheme), Some(_)) => matches!(scheme, "http" | "https"),
        (None, Some(_)) => head.method == Method::CONNECT,
        (scheme, None) => scheme.is_none(),
    };
    has_known_form && head.uri.authority().is_none_or(|authority| is_host(authority.as_str().as_bytes()))
}

/// Whether a text is `uri-host [":" port]` (RFC 9110, section 7.2) with a host that is not empty, as `http` requires
/// (RFC 9110, section 4.2.1).
#[must_use]
pub fn is_host(text: &[u8]) -> bool {
    let (is_host_valid, rest) = if let Some(literal) = text.strip_prefix(b"[") {
        let Some((address, rest)) = split_at_byte(literal, b']') else { return false };
        (is_ip_literal(address), rest)
    } else {
        let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
        (end > 0 && is_registered_name(&text[..end]), &text[end..])
    };
    is_host_valid && (rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port))
}

/// Splits a text around the first `separator`.
fn split_at_byte(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..position], &text[position + 1..]))
}

/// The content of the brackets: `IPv6address` or `IPvFuture` (RFC 3986, section 3.2.2). A zone is not part of it.
fn is_ip_literal(text: &[u8]) -> bool {
    match text {
        [b'v' | b'V', future @ ..] => split_at_byte(future, b'.').is_some_and(|(version, address)| {
            !version.is_empty()
                && version.iter().all(u8::is_ascii_hexdigit)
                && !address.is_empty()
                && address.iter().all(|byte| *byte == b':' || is_unreserved_or_delimiter(*byte))
        }),
        _ => str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
    }
}

/// `reg-name` (RFC 3986, section 3.2.2), which includes every IPv4 address.
fn is_registered_name(mut text: &[u8]) -> bool {
    loop {
        match text {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                text = rest;
            }
            [byte, rest @ ..] if is_unreserved_or_delimiter(*byte) => text = rest,
            _ => return false,
        }
    }
}

/// `unreserved` or `sub-delims` (RFC 3986, section 2).
fn is_unreserved_or_delimiter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// `port`, which may be empty and may begin with zeros. TCP has no port above 65535.
fn is_port(text: &[u8]) -> bool {
    let significant = text.iter().position(|digit| *digit != b'0').map_or(&[][..], |start| &text[start..]);
    text.iter().all(u8::is_ascii_digit)
        && (significant.is_empty()
            || str::from_utf8(significant).is_ok_and(|port| port.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn every_form_of_a_host_is_accepted() {
        for host in [
            "example.com",
            "example.com.",
            "EXAMPLE.com:8080",
            "example.com:",
            "example.com:0",
            "example.com:65535",
            "example.com:000080",
            "a",
            "127.0.0.1",
            "127.0.0.1:80",
            "999.1.1.1",
            "xn--bcher-kva.example",
            "b%C3%BCcher.example",
            "a_b.example",
            "!$&'()*+,;=~",
            "[::1]",
            "[::1]:8080",
            "[::1]:",
            "[2001:db8::192.0.2.1]",
            "[1:2:3:4:5:6:7::]",
            "[v1.fe:dc]",
            "[VF.a!b]:1",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn other_texts_are_not_hosts() {
        for host in [
            "",
            ":",
            ":80",
            " ",
            "a b",
            " a",
            "a ",
            "a\tb",
            "user@example.com",
            "user:pass@example.com",
            "http://example.com",
            "example.com/path",
            "example.com?q",
            "example.com#f",
            "example.com\\a",
            "a:b",
            "a:80:80",
            "a:-1",
            "a:+1",
            "a: 80",
            "a:8 0",
            "a:65536",
            "a:99999999999999999999",
            "a%",
            "a%2",
            "a%zz",
            "%",
            "a\"b",
            "<a>",
            "a|b",
            "a^b",
            "a`b",
            "{a}",
            "a\0b",
            "a\x7fb",
            "b\u{fc}cher.example",
            "[::1",
            "::1",
            "::1]",
            "[::1]a",
            "[::1]80",
            "[]",
            "[127.0.0.1]",
            "[::1%eth0]",
            "[::1%25eth0]",
            "[:::1]",
            "[1:2:3:4:5:6:7:8:9]",
            "[12345::]",
            "[::1 ]",
            "[v.a]",
            "[v1]",
            "[v1.]",
            "[vg.a]",
            "[v1.a b]",
            "[v1.%41]",
            "[[::1]]",
            "a[::1]",
            "a, b",
        ] {
            assert!(!is_host(host.as_bytes()), "{host:?}");
        }
        assert!(!is_host(b"b\xfccher.example"), "obs-text");
    }

    fn is_accepted(request: TestRequest, hosts: &[&str]) -> bool {
        let mut request = request.to_request();
        for host in hosts {
            let value = HeaderValue::from_str(host).expect("a value");
            request.headers_mut().append(HeaderName::from_static("host"), value);
        }
        check_host(request.head()).is_ok()
    }

    #[test]
    fn header_must_be_present_once_from_http_1_1() {
        let get = || TestRequest::with_uri("/a");
        assert!(is_accepted(get(), &["a"]));
        for hosts in [&[][..], &["a", "a"], &["a", "b"], &["a b"]] {
            assert!(!is_accepted(get(), hosts), "{hosts:?}");
        }
        assert!(is_accepted(get().version(Version::HTTP_10), &[]));
        for hosts in [&["a", "a"][..], &["a b"], &[""]] {
            assert!(!is_accepted(get().version(Version::HTTP_10), hosts), "{hosts:?}");
        }
    }

    #[test]
    fn authority_of_the_target_must_be_valid_too() {
        let target = |uri: &str| is_accepted(TestRequest::with_uri(uri), &["a"]);
        for uri in ["/a", "*", "http://b/a", "http://b", "https://b:443/a?q", "http://[::1]:80/"] {
            assert!(target(uri), "{uri}");
        }
        for uri in ["http://u@b/", "http://u:p@b/a", "http://b:99999/", "ftp://b/a", "b:80", "http://[::x]/"]
        {
            assert!(!target(uri), "{uri}");
        }
        assert!(!is_accepted(TestRequest::with_uri("http://b/a"), &["a b"]), "the header is invalid");
        assert!(is_accepted(TestRequest::with_uri("b:80").method(Method::CONNECT), &["b:80"]));
    }
}
