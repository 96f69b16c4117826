//! The request headers that pages of other origins may send.

use std::fmt;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};

use crate::request::X_API_KEY;

/// The headers that every listed origin may send: those that the dialects read, and those of monitoring libraries. These
/// add them to every request (W3C Trace Context, W3C Baggage, Sentry).
const BUILT_IN: [HeaderName; 7] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    X_API_KEY,
    HeaderName::from_static("baggage"),
    HeaderName::from_static("sentry-trace"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// The headers that browsers set themselves and that no script can set (Fetch, "forbidden request-header").
const SET_BY_BROWSERS: [&str; 21] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of the setting `cors_headers`, beyond those that every listed origin may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsHeaders(Vec<HeaderName>);

impl CorsHeaders {
    /// The input that [`Self::parse`] accepts.
    pub(crate) const ALLOWED: &str =
        "names of request headers that a script may set, such as x-request-id, in a list";

    /// Parses names with commas between them. An empty text is an empty list.
    ///
    /// # Errors
    /// The position of the first invalid name, and what is wrong with it.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        if list.is_empty() {
            return Ok(Self::default());
        }
        let names = list.split(',').enumerate().map(|(index, text)| {
            parse_name(text.trim()).map_err(|reason| format!("header {} {reason}", index + 1))
        });
        names.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the setting adds no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every header that a listed origin may send.
    pub(crate) fn all(&self) -> impl Iterator<Item = HeaderName> {
        BUILT_IN.into_iter().chain(self.0.iter().cloned())
    }
}

impl fmt::Display for CorsHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(HeaderName::as_str).collect();
        f.write_str(&names.join(","))
    }
}

fn parse_name(text: &str) -> Result<HeaderName, &'static str> {
    if text == "*" {
        return Err(
            "is *, which browsers read as a name when a request may have credentials: list each header",
        );
    }
    let name: HeaderName = text.parse().map_err(|_| "is not the name of a header (RFC 9110, section 5.1)")?;
    let is_set_by_browsers = SET_BY_BROWSERS.contains(&name.as_str())
        || name == "via"
        || name.as_str().starts_with("proxy-")
        || name.as_str().starts_with("sec-");
    if is_set_by_browsers { Err("is set by browsers themselves, and no script can set it") } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        let headers = CorsHeaders::parse("X-Request-Id, x-b3-traceid,accept").expect("names");
        assert_eq!(headers.to_string(), "x-request-id,x-b3-traceid,accept");
        assert_eq!(CorsHeaders::parse("").expect("none").to_string(), "");
        assert_eq!(headers.all().count(), BUILT_IN.len() + 3);
    }

    #[test]
    fn name_that_has_no_effect_is_refused_with_its_reason() {
        for (list, reason) in [
            ("*", "header 1 is *"),
            ("x-a,*", "header 2 is *"),
            ("x a", "is not the name"),
            ("x-a:", "is not the name"),
            ("x-a,", "header 2 is not the name"),
            ("x-\u{fc}", "is not the name"),
            ("x-a;x-b", "is not the name"),
            ("Cookie", "is set by browsers"),
            ("host", "is set by browsers"),
            ("sec-fetch-site", "is set by browsers"),
            ("proxy-authorization", "is set by browsers"),
            ("via", "is set by browsers"),
        ] {
            let refusal = CorsHeaders::parse(list).expect_err(list);
            assert!(refusal.contains(reason), "{list}: {refusal}");
        }
    }
}
