//! Writing answers.

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use serde::Serialize;

use crate::failure::{Failure, FieldError, RETRY_AFTER_SECONDS};

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
        _ => {}
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
