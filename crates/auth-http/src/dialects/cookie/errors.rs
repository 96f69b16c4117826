//! Renders every failure in the dialect's envelope.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::failure::Failure;
use crate::reply;

use super::bodies::{Error, FieldErrors};

pub(super) fn render(failure: &Failure) -> HttpResponse {
    let (status, message) = message(failure);
    reply::json(status, &Error { message, errors: errors(failure) })
}

/// Logs and renders a failure with status 401, headers included.
///
/// # Errors
/// Any other failure, unchanged, for the router to render.
pub(super) fn unauthorized(failure: Failure) -> Result<HttpResponse, Failure> {
    let mut response = render(&failure);
    if response.status() != StatusCode::UNAUTHORIZED {
        return Err(failure);
    }
    failure.log();
    reply::add_headers_of(&failure, response.headers_mut());
    Ok(response)
}

fn message(failure: &Failure) -> (StatusCode, &'static str) {
    match failure {
        Failure::MalformedBody | Failure::InvalidFields(_) => {
            (StatusCode::BAD_REQUEST, "Missing or invalid body fields.")
        }
        Failure::MalformedHeader => (StatusCode::BAD_REQUEST, "Bad request."),
        Failure::InvalidCredentials => (StatusCode::UNAUTHORIZED, "Invalid username or password."),
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => {
            (StatusCode::UNAUTHORIZED, "Invalid, expired or missing refresh token.")
        }
        Failure::MissingToken | Failure::InvalidToken => {
            (StatusCode::UNAUTHORIZED, "Invalid, expired or missing access token.")
        }
        Failure::InvalidApiKey => (StatusCode::UNAUTHORIZED, "Unauthorized."),
        Failure::Forbidden | Failure::CrossSite => (StatusCode::FORBIDDEN, "Forbidden."),
        Failure::UnknownPath | Failure::UnknownUser => (StatusCode::NOT_FOUND, "Not found."),
        Failure::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed."),
        Failure::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Request timeout."),
        Failure::Taken(_) => (StatusCode::CONFLICT, "Account with given username already exists."),
        Failure::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload too large."),
        Failure::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type."),
        Failure::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Error: try again later."),
        Failure::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Error: try again later."),
    }
}

/// The errors of the members. The list is empty, but present, for a body that is not a JSON object.
fn errors(failure: &Failure) -> Option<FieldErrors> {
    match failure {
        Failure::InvalidFields(errors) => Some(FieldErrors::of(errors)),
        Failure::MalformedBody => Some(FieldErrors::default()),
        _ => None,
    }
}
