//! Builds responses: JSON bodies, the headers of failures, and problem details.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use auth_domain::model::Throttled;
use serde::Serialize;

use crate::failure::{Failure, FieldError, RETRY_AFTER_SECONDS};

/// The limit that applies (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The remaining quota under the limit (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

/// Joins the errors of all members for a dialect with one text per failure: `email is required; password must be a
/// string`.
#[must_use]
pub fn in_one_line(errors: &[FieldError]) -> String {
    let messages: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
    messages.join("; ")
}

/// Adds the headers that follow from a failure. They are the same in all dialects.
pub fn add_headers_of(failure: &Failure, headers: &mut HeaderMap) {
    match failure {
        // RFC 6750, section 3: no error code when no token was sent.
        Failure::MissingToken => set(headers, WWW_AUTHENTICATE, "Bearer"),
        Failure::InvalidToken => set(headers, WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#),
        // A 401 must have a challenge (RFC 9110, section 15.5.2), but no registered scheme describes a key in a header
        // of its own. This private scheme names the header. `Bearer` would ask for the wrong credential.
        Failure::InvalidApiKey => set(headers, WWW_AUTHENTICATE, r#"ApiKey header="X-API-Key""#),
        Failure::MethodNotAllowed(methods) => {
            let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
            set(headers, ALLOW, &methods.join(", "));
        }
        Failure::Unavailable(_) => set(headers, RETRY_AFTER, &RETRY_AFTER_SECONDS.to_string()),
        Failure::TooManyRequests(throttled) => add_limits(throttled, headers),
        _ => {}
    }
}

/// Names the limit, with its quota (`q`) and its window (`w`) in seconds. Nothing remains (`r`) for `t` seconds.
///
/// Seconds are rounded up: a client that returns a moment too early would be throttled again.
fn add_limits(throttled: &Throttled, headers: &mut HeaderMap) {
    let name = throttled.limit.as_str();
    let seconds = throttled.retry_after.as_micros().div_ceil(1_000_000).max(1);
    let window = throttled.window.map(|window| format!(";w={}", window.as_secs())).unwrap_or_default();
    set(headers, RETRY_AFTER, &seconds.to_string());
    set(headers, RATE_LIMIT_POLICY, &format!(r#""{name}";q={}{window}"#, throttled.quota));
    set(headers, RATE_LIMIT, &format!(r#""{name}";r=0;t={seconds}"#));
}

/// Sets a header. A value that a header cannot contain is not sent.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Problem details without a specific type: the status says what kind of problem it is (RFC 9457, section 4.2.1).
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Logs a failure and renders it as problem details (RFC 9457), for paths outside the dialects.
#[must_use]
pub fn problem(failure: &Failure) -> HttpResponse {
    failure.log();
    let status = failure.status();
    let problem = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Unknown"),
        status: status.as_u16(),
        detail: detail(failure),
    };
    let mut response = HttpResponse::build(status).content_type("application/problem+json").json(problem);
    add_headers_of(failure, response.headers_mut());
    response
}

/// A sentence for the developer of the client, where the status does not say enough.
fn detail(failure: &Failure) -> Option<String> {
    match failure {
        Failure::MalformedHeader => Some("A header is repeated, or Host is invalid.".to_owned()),
        Failure::InvalidFields(errors) => Some(format!("{}.", in_one_line(errors))),
        Failure::CrossSite(reason) => Some(format!("Forbidden: {reason}.")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_domain::model::Limit;

    use super::*;

    fn limit_headers(throttled: Throttled) -> [String; 3] {
        let mut headers = HeaderMap::new();
        add_headers_of(&Failure::TooManyRequests(throttled), &mut headers);
        [RETRY_AFTER, RATE_LIMIT_POLICY, RATE_LIMIT].map(|name| {
            let value = headers.get(name).expect("a header");
            value.to_str().expect("text").to_owned()
        })
    }

    #[test]
    fn throttled_answer_has_the_limit_and_the_wait() {
        let window = Some(Duration::from_secs(60));
        let retry_after = Duration::from_micros(11_000_001);
        let by_address = Throttled { limit: Limit::LogIns, quota: 30, window, retry_after };
        assert_eq!(limit_headers(by_address), ["12", r#""login";q=30;w=60"#, r#""login";r=0;t=12"#]);
        let by_account =
            Throttled { limit: Limit::Account, quota: 5, window: None, retry_after: Duration::ZERO };
        assert_eq!(limit_headers(by_account), ["1", r#""account";q=5"#, r#""account";r=0;t=1"#]);
    }
}
