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
    reply::json(status(failure), &Error { error: &message(failure) })
}

fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Taken(_) => StatusCode::BAD_REQUEST,
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => StatusCode::FORBIDDEN,
        _ => failure.status(),
    }
}

fn message(failure: &Failure) -> Cow<'static, str> {
    let message = match failure {
        Failure::InvalidFields(errors) => return reply::in_one_line(errors).into(),
        Failure::MalformedBody => "Request body must be a JSON object",
        Failure::MalformedHeader => "Malformed request header",
        Failure::Taken(IdentifierKind::Username) => "Username already exists",
        Failure::Taken(IdentifierKind::Email) => "Email already exists",
        Failure::InvalidCredentials => "Invalid username or password",
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => "Invalid or expired refresh token",
        Failure::MissingToken | Failure::InvalidToken => "Token is missing or invalid",
        Failure::InvalidApiKey => "Unauthorized",
        Failure::Forbidden | Failure::CrossSite(_) => "Forbidden",
        Failure::UnknownPath | Failure::UnknownUser => "Not found",
        Failure::MethodNotAllowed(_) => "Method not allowed",
        Failure::BodyTimeout => "Request timeout",
        Failure::BodyTooLarge => "Payload too large",
        Failure::UnsupportedMediaType => "Unsupported media type",
        Failure::TooManyRequests(_) => "Too many requests",
        Failure::Internal(_) => "Internal server error",
        Failure::Unavailable(_) => "Service unavailable",
    };
    message.into()
}
