//! Renders every failure in the dialect's envelope.
//!
//! `token_pair` serves the same paths. Both dialects word the failures alike that can occur before the router chooses one.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::IdentifierKind;

use crate::failure::Failure;
use crate::reply;

use super::bodies::Error;

pub(super) fn render(failure: &Failure) -> HttpResponse {
    let (status, error) = message(failure);
    reply::json(status, &Error { error: &error })
}

fn message(failure: &Failure) -> (StatusCode, Cow<'static, str>) {
    let (status, error) = match failure {
        Failure::InvalidFields(errors) => {
            return (StatusCode::BAD_REQUEST, reply::in_one_line(errors).into());
        }
        Failure::MalformedBody => (StatusCode::BAD_REQUEST, "Request body must be a JSON object"),
        Failure::MalformedHeader => (StatusCode::BAD_REQUEST, "Malformed request header"),
        Failure::Taken(IdentifierKind::Username) => (StatusCode::BAD_REQUEST, "Username already exists"),
        Failure::Taken(IdentifierKind::Email) => (StatusCode::BAD_REQUEST, "Email already exists"),
        Failure::InvalidCredentials => (StatusCode::UNAUTHORIZED, "Invalid username or password"),
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => {
            (StatusCode::FORBIDDEN, "Invalid or expired refresh token")
        }
        Failure::MissingToken | Failure::InvalidToken => {
            (StatusCode::UNAUTHORIZED, "Token is missing or invalid")
        }
        Failure::InvalidApiKey => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        Failure::Forbidden | Failure::CrossSite => (StatusCode::FORBIDDEN, "Forbidden"),
        Failure::UnknownPath | Failure::UnknownUser => (StatusCode::NOT_FOUND, "Not found"),
        Failure::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        Failure::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Request timeout"),
        Failure::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"),
        Failure::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
        Failure::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
        Failure::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"),
    };
    (status, error.into())
}
