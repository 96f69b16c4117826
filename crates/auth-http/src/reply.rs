//! Writing answers.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use auth_domain::model::Throttled;
use serde::Serialize;

use crate::failure::{Failure, FieldError, RETRY_AFTER_SECONDS};

/// What may be done, and how much of it is left (draft-ietf-httpapi-ratelimit-headers-10).
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// See [`RATE_LIMIT_POLICY`].
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

/// What is wrong with the members of a body, for a dialect with one text a failure: `email is required; password must
/// be a string`.
#[must_use]
pub fn in_one_line(errors: &[FieldError]) -> String {
    let said: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
    said.join("; ")
}

/// Adds the headers that follow from a failure, whoever words it.
pub fn add_headers_of(failure: &Failure, headers: &mut HeaderMap) {
    match failure {
        // RFC 6750, section 3: no error code when no token was sent.
        Failure::MissingToken => set(headers, WWW_AUTHENTICATE, "Bearer"),
        Failure::InvalidToken => set(headers, WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#),
        // No registered scheme carries a key in a header of its own, yet a 401 has to come with a challenge (RFC 9110,
        // section 15.5.2): this one says where the key belongs, and asks nobody for a bearer token.
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

/// The policy by its name, with its quota (`q`) and its window (`w`) in seconds; of it nothing is left (`r`) for some
/// seconds (`t`). Whoever comes back a moment early would be refused again, so that seconds are rounded up.
fn add_limits(throttled: &Throttled, headers: &mut HeaderMap) {
    let name = throttled.limit.as_str();
    let seconds = throttled.retry_after.as_micros().div_ceil(1_000_000).max(1);
    let window = throttled.window.map(|window| format!(";w={}", window.as_secs())).unwrap_or_default();
    set(headers, RETRY_AFTER, &seconds.to_string());
    set(headers, RATE_LIMIT_POLICY, &format!(r#""{name}";q={}{window}"#, throttled.quota));
    set(headers, RATE_LIMIT, &format!(r#""{name}";r=0;t={seconds}"#));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Problem details without a type of their own: the status says it all (RFC 9457, section 4.2.1).
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
}

/// Logs a failure and renders it as problem details (RFC 9457), for paths outside the dialects.
#[must_use]
pub fn problem(failure: &Failure) -> HttpResponse {
    failure.log();
    let status = problem_status(failure);
    let problem = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Unknown"),
        status: status.as_u16(),
    };
    let mut response =
        HttpResponse::build(status).content_type("application/problem+json").body(to_json(&problem));
    add_headers_of(failure, response.headers_mut());
    response
}

fn to_json(problem: &Problem) -> String {
    serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned())
}

fn problem_status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::MalformedBody | Failure::MalformedHeader | Failure::InvalidFields(_) => {
            StatusCode::BAD_REQUEST
        }
        Failure::MissingToken
        | Failure::InvalidToken
        | Failure::InvalidApiKey
        | Failure::InvalidCredentials
        | Failure::InvalidRefreshToken
        | Failure::ReplayedRefreshToken(_) => StatusCode::UNAUTHORIZED,
        Failure::Forbidden | Failure::CrossSite => StatusCode::FORBIDDEN,
        Failure::UnknownPath | Failure::UnknownUser => StatusCode::NOT_FOUND,
        Failure::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Failure::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        Failure::Taken(_) => StatusCode::CONFLICT,
        Failure::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Failure::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
        Failure::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_domain::model::Limit;

    use super::*;

    fn said(throttled: Throttled) -> [String; 3] {
        let mut headers = HeaderMap::new();
        add_headers_of(&Failure::TooManyRequests(throttled), &mut headers);
        [RETRY_AFTER, RATE_LIMIT_POLICY, RATE_LIMIT].map(|name| {
            let value = headers.get(name).expect("a header");
            value.to_str().expect("text").to_owned()
        })
    }

    #[test]
    fn who_is_limited_is_told_by_what_and_for_how_long() {
        let window = Some(Duration::from_secs(60));
        let retry_after = Duration::from_micros(11_000_001);
        let by_place = Throttled { limit: Limit::LogIns, quota: 30, window, retry_after };
        assert_eq!(said(by_place), ["12", r#""login";q=30;w=60"#, r#""login";r=0;t=12"#]);
        let by_account =
            Throttled { limit: Limit::Account, quota: 5, window: None, retry_after: Duration::ZERO };
        assert_eq!(said(by_account), ["1", r#""account";q=5"#, r#""account";r=0;t=1"#]);
    }
}
