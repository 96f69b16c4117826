//! The grammar of a URL as `conninfo_uri_parse` of libpq defines it.
//!
//! It differs from that of the web: several hosts, an empty host, `#` without a meaning, and `+` is not a space.

use std::fmt::Write as _;

use super::InvalidPostgresUrl;

/// The names and decoded values of a URL, in their order. A later one replaces an earlier one.
pub(super) type Pairs = Vec<(String, String)>;

pub(super) fn parse(url: &str) -> Result<Pairs, InvalidPostgresUrl> {
    let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
    let rest =
        rest.ok_or_else(|| InvalidPostgresUrl::new("it does not begin with postgres:// or postgresql://"))?;
    let mut pairs = Pairs::new();
    let rest = user_info(rest, &mut pairs)?;
    let (hosts, rest) = split_at_any(rest, "/?");
    host_list(hosts, &mut pairs)?;
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let database = path.strip_prefix('/').unwrap_or_default();
    // The password `a/b@c` ends the host of the URL, and its rest would be a part of the name.
    if database.contains('@') {
        return Err(InvalidPostgresUrl::encoding("the database name contains a raw @"));
    }
    add(&mut pairs, "dbname", database)?;
    for parameter in query.into_iter().flat_map(|query| query.split('&')).filter(|text| !text.is_empty()) {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(InvalidPostgresUrl::encoding("a parameter after ? has no ="));
        };
        if value.contains('=') {
            return Err(InvalidPostgresUrl::new("a parameter after ? has a second =; write it as %3D"));
        }
        pairs.push((decode(name)?, decode(value)?));
    }
    Ok(pairs)
}

/// Reads `user:password@`, and returns the rest. As in libpq, a user name ends at the first `@`, and there is none if a `/`
/// comes before it.
fn user_info<'a>(rest: &'a str, pairs: &mut Pairs) -> Result<&'a str, InvalidPostgresUrl> {
    let (before, after) = split_at_any(rest, "@/");
    let Some(after) = after.strip_prefix('@') else { return Ok(rest) };
    let (user, password) = before.split_once(':').unwrap_or((before, ""));
    add(pairs, "user", user)?;
    add(pairs, "password", password)?;
    Ok(after)
}

/// Reads `host:port`.
fn host_list(hosts: &str, pairs: &mut Pairs) -> Result<(), InvalidPostgresUrl> {
    let (host, port) = if let Some(rest) = hosts.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else {
            return Err(InvalidPostgresUrl::new("an IPv6 address has no closing ]"));
        };
        if host.is_empty() {
            return Err(InvalidPostgresUrl::new("the IPv6 address between [ and ] is empty"));
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, port),
            None if rest.is_empty() || rest.starts_with(',') => (host, rest),
            None => return Err(InvalidPostgresUrl::new("there is a character between ] and the port")),
        }
    } else {
        hosts.split_once(':').unwrap_or((hosts, ""))
    };
    if hosts.contains(',') {
        return Err(InvalidPostgresUrl::new(super::parameters::SEVERAL_HOSTS));
    }
    if host.contains('@') {
        return Err(InvalidPostgresUrl::encoding("the host contains a raw @"));
    }
    add(pairs, "host", host)?;
    add(pairs, "port", port)
}

fn add(pairs: &mut Pairs, name: &str, value: &str) -> Result<(), InvalidPostgresUrl> {
    if !value.is_empty() {
        pairs.push((name.to_owned(), decode(value)?));
    }
    Ok(())
}

/// Splits before the first of these characters.
fn split_at_any<'a>(text: &'a str, characters: &str) -> (&'a str, &'a str) {
    text.split_at(text.find(|character| characters.contains(character)).unwrap_or(text.len()))
}

fn decode(text: &str) -> Result<String, InvalidPostgresUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(0), Some(0)) => return Err(InvalidPostgresUrl::new("it contains %00")),
            (Some(high), Some(low)) => bytes.push(u8::try_from(16 * high + low).unwrap_or_default()),
            _ => return Err(InvalidPostgresUrl::encoding("a % is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes).map_err(|_| InvalidPostgresUrl::new("a percent-encoded text is not UTF-8"))
}

/// Encodes every character that has a meaning anywhere in a URL.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
