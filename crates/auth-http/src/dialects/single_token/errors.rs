//! Renders every failure in the dialect's envelope.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::dialects::Endpoint;
use crate::failure::Failure;
use crate::reply;

use super::bodies::Error;

pub(super) fn render(failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
    let (status, error) = message(failure, endpoint);
    reply::json(status, &Error { error })
}

fn message(failure: &Failure, endpoint: Option<Endpoint>) -> (StatusCode, &'static str) {
    match failure {
        Failure::InvalidFields(_) if endpoint == Some(Endpoint::Register) => {
            (StatusCode::BAD_REQUEST, "Invalid input data.")
        }
        Failure::MalformedBody | Failure::MalformedHeader | Failure::InvalidFields(_) => {
            (StatusCode::BAD_REQUEST, "Bad request.")
        }
        Failure::InvalidCredentials => (StatusCode::UNAUTHORIZED, "Invalid credentials."),
        Failure::MissingToken | Failure::InvalidToken => match endpoint {
            Some(Endpoint::ProtectedResource) => (StatusCode::UNAUTHORIZED, "Invalid or missing token."),
            _ => (StatusCode::UNAUTHORIZED, "Unauthorized."),
        },
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => {
            (StatusCode::UNAUTHORIZED, "Invalid token.")
        }
        Failure::InvalidApiKey => (StatusCode::UNAUTHORIZED, "Unauthorized."),
        Failure::Forbidden | Failure::CrossSite => (StatusCode::FORBIDDEN, "Forbidden."),
        Failure::UnknownPath | Failure::UnknownUser => (StatusCode::NOT_FOUND, "Not found."),
        Failure::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed."),
        Failure::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Request timeout."),
        Failure::Taken(_) => (StatusCode::CONFLICT, "User already exists."),
        Failure::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload too large."),
        Failure::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type."),
        Failure::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error."),
        Failure::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable."),
    }
}
