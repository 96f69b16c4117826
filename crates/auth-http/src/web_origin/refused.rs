//! Refused requests of pages of other origins: their reasons, and the log of them.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use url::{Host, Url};

use super::allowed::{is_app_host, is_scheme};

/// The maximum number of refused origins that are logged. An attacker can send any number of them.
const MAX_LOGGED: usize = 64;
/// The longest origin that an answer or a log line repeats, in bytes. The host has 253 at most.
const MAX_SHOWN: usize = 300;
/// The longest label of a host, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// The reason why a request that a browser sent for a page of another site is refused.
///
/// The texts are for the developer of the page. An origin in them is listed, or has the form that browsers send. No token
/// has this form, so a token in the wrong header is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CrossSite {
    /// The origin is neither the service's own nor listed.
    NotListed(String),
    /// The origin is listed, but it is that of an app, and the path uses the cookie.
    App(String),
    /// The origin is `null`.
    Null,
    /// The `Origin` header is repeated, or has not the form of an origin.
    Malformed,
    /// There is no other origin, but `Sec-Fetch-Site` is `cross-site`.
    FetchMetadata,
    /// The preflight asks for a method that no dialect has.
    Method,
    /// The preflight asks for a header that is not allowed.
    Headers,
}

impl CrossSite {
    /// The refusal of `origin`, which is not listed.
    pub(super) fn not_listed(origin: &str) -> Self {
        match origin {
            "null" => Self::Null,
            _ if is_as_sent(origin) => Self::NotListed(origin.to_owned()),
            _ => Self::Malformed,
        }
    }

    /// The refused origin, if it is the reason.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        match self {
            Self::NotListed(origin) | Self::App(origin) => Some(origin),
            Self::Null => Some("null"),
            Self::Malformed | Self::FetchMetadata | Self::Method | Self::Headers => None,
        }
    }
}

/// A sentence without the full stop.
impl fmt::Display for CrossSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed(origin) => {
                write!(f, "the origin {origin} is neither that of public_url nor in cors_origins")
            }
            Self::App(origin) => {
                write!(f, "the origin {origin} is that of an app, which cannot use the cookie")
            }
            Self::Null => f.write_str(
                "the origin null is that of every file, data URL and sandboxed frame, and cannot be allowed",
            ),
            Self::Malformed => f.write_str("the Origin header is repeated or has not the form of an origin"),
            Self::FetchMetadata => f.write_str("the page is of another site"),
            Self::Method => f.write_str("the requested method is not allowed to pages of other origins"),
            Self::Headers => f.write_str("a requested header is not in cors_headers"),
        }
    }
}

/// Whether a text has exactly the form in which browsers send an origin, so that repeating it is harmless:
/// `https://evil.example:8443`.
///
/// Base64 has upper case, and the prefixes of tokens and keys end with `_`. A host has neither.
fn is_as_sent(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    origin.len() <= MAX_SHOWN
        && match scheme {
            "http" | "https" => is_site(origin),
            _ => is_scheme(scheme) && is_app_host(authority) && is_name(host_of(authority)),
        }
}

/// Whether a text is the origin of a web site (URL Standard, "serialization of an origin").
fn is_site(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let is_host = match url.host() {
        Some(Host::Domain(name)) => is_name(name),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    is_host && url.origin().ascii_serialization() == origin
}

fn host_of(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(host, _port)| host)
}

/// Whether a text consists of the labels of a host, in lower case. The host of an app may be empty or a point.
fn is_name(host: &str) -> bool {
    host.split('.').all(|label| {
        label.len() <= MAX_LABEL
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    })
}

/// The refused origins that are in the log.
#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<HashSet<CrossSite>>);

impl RefusalLog {
    /// Logs a refused origin, unless it was logged before for the same reason. Other reasons are not logged.
    pub(super) fn record(&self, refusal: &CrossSite) {
        if refusal.origin().is_none() {
            return;
        }
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() >= MAX_LOGGED || logged.contains(refusal) {
            return;
        }
        logged.insert(refusal.clone());
        let count = logged.len();
        drop(logged);
        tracing::warn!("a page may not call the service: {refusal}");
        if count == MAX_LOGGED {
            tracing::warn!("{MAX_LOGGED} origins were refused: further ones are not logged");
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_an_origin_is_repeated() {
        let label = "a".repeat(MAX_LABEL);
        let longest = format!("https://{label}.example");
        for origin in [
            "https://evil.example:8443",
            "https://xn--bcher-kva.example",
            "http://192.0.2.1",
            "http://[::1]:8080",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "app://.",
            "app://",
            "app://bundle:8080",
            &longest,
        ] {
            assert_eq!(CrossSite::not_listed(origin).origin(), Some(origin));
        }
        let long = format!("https://{}example", "a.".repeat(MAX_SHOWN / 2));
        let (site_label, app_label) = (format!("https://{label}a"), format!("app://{label}a"));
        for other in [
            "",
            "https://",
            "Bearer eyJhbGciOi",
            "https://a/path?token=s3cret",
            "https://u@a",
            "a\u{fc}://",
            "https://b\u{fc}cher.example",
            "https://ref_0a1b2c",
            "https://key_0a1b2c.example",
            "chrome-extension://ref_0a1b2c",
            "ref_0a1b2c://a",
            "https://eyJhbGciOi.eyJzdWIiOi.c2ln",
            "chrome-extension://eyJhbGciOi.eyJzdWIiOi.c2ln",
            "EYJ://a",
            "https://a.example/",
            "https://A.example",
            "https://a.example:443",
            "http://127.1",
            "app://a:080",
            "app://a~b",
            &long,
            &site_label,
            &app_label,
        ] {
            assert_eq!(CrossSite::not_listed(other), CrossSite::Malformed, "{other}");
        }
        assert_eq!(CrossSite::not_listed("null"), CrossSite::Null);
    }

    #[test]
    fn refused_origins_are_logged_once_and_bounded() {
        let log = RefusalLog::default();
        for _ in 0..3 {
            log.record(&CrossSite::not_listed("https://evil.example"));
            log.record(&CrossSite::Null);
            log.record(&CrossSite::Headers);
        }
        assert_eq!(log.count(), 2);
        for number in 0..1_000 {
            log.record(&CrossSite::not_listed(&format!("https://{number}.example")));
        }
        assert_eq!(log.count(), MAX_LOGGED);
    }
}
