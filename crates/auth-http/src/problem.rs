//! Failures beside the dialects, as problem details (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use crate::failure::Failure;
use crate::reply;

/// Problem details without a type of their own: the status says it all (RFC 9457, section 4.2.1).
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
}

/// Logs a failure, and says that the request failed.
#[must_use]
pub fn render_failure(failure: &Failure) -> HttpResponse {
    failure.log();
    let status = status(failure);
    let problem = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Unknown"),
        status: status.as_u16(),
    };
    let mut response =
        HttpResponse::build(status).content_type("application/problem+json").body(to_json(&problem));
    reply::add_headers_of(failure, response.headers_mut());
    response
}

fn to_json(problem: &Problem) -> String {
    serde_json::to_string(problem).unwrap_or_else(|_| "{}".to_owned())
}

fn status(failure: &Failure) -> StatusCode {
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
