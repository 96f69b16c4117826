//! Reads a cookie of a request.

use actix_web::http::header::{COOKIE, HeaderMap};

/// The value of the only cookie of this name (RFC 6265, section 4.2). `None` if there are several: a neighbouring domain
/// can plant one, and the header does not reveal which cookie the service set.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = values(headers, name);
    let value = values.next()?;
    if values.next().is_some() { None } else { str::from_utf8(value).ok() }
}

/// The values of all cookies of this name, except for those that are not UTF-8.
pub(super) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    values(headers, name).filter_map(|value| str::from_utf8(value).ok())
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(COOKIE)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        .map(unquoted)
}

/// The value without the quotes that RFC 6265, section 4.1.1, permits around it. The `CookieManager` of Java adds them to
/// every cookie with `Max-Age`.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(lines: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).expect("a header's value"));
        }
        cookie(&headers, "token").map(str::to_owned)
    }

    #[test]
    fn cookie_is_found_among_others() {
        for line in
            [&b"token=a=b"[..], b"x=1; token=a=b", b"token=a=b;x=1", b"x=\xff; token=a=b; tokens=c; Token=d"]
        {
            assert_eq!(read(&[line]).as_deref(), Some("a=b"));
        }
        assert_eq!(read(&[b"x=1", b"token=a=b"]).as_deref(), Some("a=b"));
    }

    #[test]
    fn quotes_around_a_value_are_removed() {
        let of_java = b"$Version=\"1\"; token=\"a=b\";$Path=\"/api/auth\";$Domain=\"127.0.0.1\"";
        assert_eq!(read(&[of_java]).as_deref(), Some("a=b"));
        for (line, value) in
            [(&b"token=\"\""[..], ""), (b"token=\"", "\""), (b"token=\"a", "\"a"), (b"token=a\"", "a\"")]
        {
            assert_eq!(read(&[line]).as_deref(), Some(value));
        }
    }

    #[test]
    fn names_must_match_exactly() {
        for line in [&b""[..], b"token", b"tokens=a", b"xtoken=a", b"TOKEN=a", b"x=token=a", b"token =a"] {
            assert_eq!(read(&[line]), None);
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn duplicate_cookies_are_ignored() {
        for lines in [&[&b"token=a; token=b"[..]][..], &[b"token=a; token=a"], &[b"token=a", b"token=b"]] {
            assert_eq!(read(lines), None);
        }
    }
}
