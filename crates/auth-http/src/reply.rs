//! Writing answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::failure::{Failure, RETRY_AFTER_SECONDS};

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

/// Adds the headers that follow from a failure, whoever words it.
pub fn add_headers_of(failure: &Failure, headers: &mut HeaderMap) {
    match failure {
        // RFC 6750, section 3: no error code when no token was sent.
        Failure::MissingToken => set(headers, WWW_AUTHENTICATE, "Bearer"),
        Failure::InvalidToken => set(headers, WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#),
        Failure::MethodNotAllowed(methods) => {
            let methods: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
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
