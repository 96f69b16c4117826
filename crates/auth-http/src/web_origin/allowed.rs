//! The origins of the setting `cors_origins`.

use std::fmt;

use url::Url;

use crate::origin::PublicUrl;

/// A set of web origins (RFC 6454, section 6.2), empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<AllowedOrigin>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AllowedOrigin {
    /// The origin of a web site, which identifies the site.
    Site(PublicUrl),
    /// The origin of pages that are part of an app or of a browser extension: `capacitor://localhost`. Other apps of the
    /// same framework have the same origin.
    App(String),
}

impl CorsOrigins {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str = "origins as browsers send them, such as https://app.example.com, \
         http://localhost:5173 or capacitor://localhost, in a list";

    /// Parses origins with commas between them. An empty text is an empty list.
    ///
    /// # Errors
    /// The position of the first invalid origin, and what is wrong with it. The text does not contain the origin, which
    /// may contain a password.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        if list.is_empty() {
            return Ok(Self::default());
        }
        let origins = list.split(',').enumerate().map(|(index, text)| {
            parse_origin(text.trim()).map_err(|reason| format!("origin {} {reason}", index + 1))
        });
        origins.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the set contains `origin`, the value of an `Origin` header.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.find(origin).is_some()
    }

    /// Frameworks differ in whether they send the host of an app in lower case, so it is compared without case.
    pub(super) fn find(&self, origin: &str) -> Option<&AllowedOrigin> {
        self.0.iter().find(|allowed| match allowed {
            AllowedOrigin::Site(url) => url.as_str() == origin,
            AllowedOrigin::App(text) => text.eq_ignore_ascii_case(origin),
        })
    }

    /// Whether the set contains no origin.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origins in the order of the setting.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|origin| match origin {
            AllowedOrigin::Site(url) => url.as_str(),
            AllowedOrigin::App(text) => text,
        })
    }

    /// The first site without TLS on another machine: an attacker on the network can alter its pages.
    pub(crate) fn first_unprotected(&self) -> Option<&str> {
        self.0.iter().find_map(|origin| match origin {
            AllowedOrigin::Site(url) if !url.is_https() && !url.is_loopback() => Some(url.as_str()),
            AllowedOrigin::Site(_) | AllowedOrigin::App(_) => None,
        })
    }
}

impl fmt::Display for CorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(","))
    }
}

/// Accepts an origin only in the form in which browsers send it, so that comparing texts is enough.
///
/// An origin that no page has would match nothing. It is refused, with the reason as a predicate.
fn parse_origin(text: &str) -> Result<AllowedOrigin, &'static str> {
    if text.contains('*') {
        return Err("contains *: list each origin");
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return Err(if text == "null" { NULL } else { "has no scheme, such as https://" });
    };
    if !is_scheme(scheme) {
        return Err("has a scheme with other characters than a-z, 0-9, +, - and .");
    }
    match scheme {
        "http" | "https" => parse_site(text),
        "file" | "content" | "filesystem" => Err(FILE),
        "data" | "blob" | "about" | "javascript" => Err(NULL),
        "ws" | "wss" => {
            Err("has the scheme of a socket; the origin of the page begins with http:// or https://")
        }
        "ftp" => Err("has a scheme that no page has"),
        "chrome-extension" if is_chromium_id(host) => Ok(AllowedOrigin::App(text.to_owned())),
        "chrome-extension" => Err("has no extension id of 32 letters from a to p"),
        "moz-extension" | "safari-web-extension" if is_uuid(host) => Ok(AllowedOrigin::App(text.to_owned())),
        "moz-extension" | "safari-web-extension" => Err("has no extension id in the form of a UUID"),
        _ if is_app_host(host) => Ok(AllowedOrigin::App(text.to_owned())),
        _ => Err("is not SCHEME://HOST[:PORT], without a path, of an app"),
    }
}

const NULL: &str = "is null, which browsers send for the pages of every file, data URL and sandboxed frame";
const FILE: &str = "is that of a file: its pages send the origin null, as those of every other file do; serve the pages \
     from an http server or under the scheme of an app framework";

fn parse_site(text: &str) -> Result<AllowedOrigin, &'static str> {
    match PublicUrl::parse(text) {
        Some(url) if url.as_str() == text => Ok(AllowedOrigin::Site(url)),
        _ => Err(not_as_sent(text)),
    }
}

/// The difference between a text and the origin that browsers send for it.
fn not_as_sent(text: &str) -> &'static str {
    let Ok(url) = Url::parse(text) else { return "has no valid host and port" };
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || authority.ends_with('/') {
        "has something after the port: an origin ends with the host or the port, without a slash"
    } else if authority.contains('@') {
        "has a user name"
    } else if !authority.is_ascii() {
        "has an international name: write it in Punycode (xn--)"
    } else if authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
        "has capital letters"
    } else if url.port().is_none() && authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
    {
        "has the default port, which browsers omit"
    } else {
        "is not in the form that browsers send: http[s]://HOST[:PORT]"
    }
}

/// A scheme in lower case (RFC 3986, section 3.1).
pub(super) fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
        })
}

/// The host of an app, which may be empty: `app://` is the origin of `app:///index.html`.
pub(super) fn is_app_host(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let is_port = port
        .is_none_or(|port| !host.is_empty() && !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok());
    is_host && is_port
}

fn is_chromium_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_sites_and_apps_are_accepted() {
        for origin in [
            "https://app.example.com",
            "http://localhost:5173",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
            "https://localhost",
            "http://tauri.localhost",
            "https://tauri.localhost",
            "http://wails.localhost:34115",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "wails://wails",
            "app://localhost",
            "app://.",
            "app://-",
            "app://",
            "app://obsidian.md",
            "com.example.app+v2://bundle:8080",
            "vscode-webview://0k2b3c4d",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://2a0d6e8b-1111-4222-8333-444455556666",
            "safari-web-extension://2A0D6E8B-1111-4222-8333-444455556666",
        ] {
            let origins = CorsOrigins::parse(origin).unwrap_or_else(|reason| panic!("{origin}: {reason}"));
            assert!(origins.contains(origin), "{origin}");
            assert!(!origins.contains("null") && !origins.contains(""), "{origin}");
        }
    }

    #[test]
    fn host_of_an_app_is_compared_without_case() {
        let origins =
            CorsOrigins::parse("safari-web-extension://2A0D6E8B-1111-4222-8333-444455556666,app://Main");
        let origins = origins.expect("origins");
        assert!(origins.contains("safari-web-extension://2a0d6e8b-1111-4222-8333-444455556666"));
        assert!(origins.contains("app://main"));
        assert!(!origins.contains("app://main2"));
    }

    #[test]
    fn origin_that_no_page_has_is_refused_with_its_reason() {
        for (origin, reason) in [
            ("null", "origin 1 is null, which"),
            ("file://", "origin 1 is that of a file: its pages send the origin null"),
            ("file:///srv/index.html", "is that of a file"),
            ("content://app", "is that of a file"),
            ("data://a", "is null"),
            ("blob://a", "is null"),
            ("app.example.com", "has no scheme"),
            ("//app.example.com", "has no scheme"),
            ("*", "contains *"),
            ("https://*.example.com", "contains *"),
            ("chrome-extension://*", "contains *"),
            ("https://app.example.com,null", "origin 2 is null"),
            ("https://a,", "origin 2 has no scheme"),
            ("ws://a", "scheme of a socket"),
            ("ftp://a", "that no page has"),
            ("HTTPS://a", "other characters"),
            ("Capacitor://localhost", "other characters"),
            ("1app://a", "other characters"),
            ("://a", "other characters"),
            ("https://a/", "something after the port"),
            ("https://a/b", "something after the port"),
            ("https://a?q", "something after the port"),
            ("https://u:s3cret@a", "has a user name"),
            ("https://b\u{fc}cher.example", "Punycode"),
            ("https://A.example", "capital letters"),
            ("https://a:443", "default port"),
            ("http://a:80", "default port"),
            ("http://[::1]:80", "default port"),
            ("http://a:0", "in the form that browsers send"),
            ("http://127.1", "in the form that browsers send"),
            ("https://", "no valid host"),
            ("https://a:99999", "no valid host"),
            ("capacitor://localhost/", "without a path"),
            ("app://a b", "without a path"),
            ("app://u@a", "without a path"),
            ("app://:80", "without a path"),
            ("app://a:080", "without a path"),
            ("app://a:65536", "without a path"),
            ("app://\u{fc}", "without a path"),
            ("chrome-extension://id", "32 letters"),
            ("chrome-extension://abcdefghijklmnopabcdefghijklmnoz", "32 letters"),
            ("moz-extension://", "UUID"),
            ("moz-extension://2a0d6e8b11114222833344445555666", "UUID"),
        ] {
            let refusal = CorsOrigins::parse(origin).expect_err(origin);
            assert!(refusal.contains(reason), "{origin}: {refusal}");
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }
}
