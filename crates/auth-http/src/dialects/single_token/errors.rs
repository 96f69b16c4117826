//! Renders every failure in the dialect's envelope.

use actix_web::HttpResponse;

use crate::dialects::Endpoint;
use crate::failure::Failure;
use crate::reply;

use super::bodies::Error;

pub(super) fn render(failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
    reply::json(failure.status(), &Error { error: message(failure, endpoint) })
}

fn message(failure: &Failure, endpoint: Option<Endpoint>) -> &'static str {
    match failure {
        Failure::InvalidFields(_) if endpoint == Some(Endpoint::Register) => "Invalid input data.",
        Failure::MalformedBody | Failure::MalformedHeader | Failure::InvalidFields(_) => "Bad request.",
        Failure::InvalidCredentials => "Invalid credentials.",
        Failure::MissingToken | Failure::InvalidToken if endpoint == Some(Endpoint::ProtectedResource) => {
            "Invalid or missing token."
        }
        Failure::MissingToken | Failure::InvalidToken | Failure::InvalidApiKey => "Unauthorized.",
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => "Invalid token.",
        Failure::Forbidden | Failure::CrossSite(_) => "Forbidden.",
        Failure::UnknownPath | Failure::UnknownUser => "Not found.",
        Failure::MethodNotAllowed(_) => "Method not allowed.",
        Failure::BodyTimeout => "Request timeout.",
        Failure::Taken(_) => "User already exists.",
        Failure::BodyTooLarge => "Payload too large.",
        Failure::UnsupportedMediaType => "Unsupported media type.",
        Failure::TooManyRequests(_) => "Too many requests.",
        Failure::Internal(_) => "Internal server error.",
        Failure::Unavailable(_) => "Service unavailable.",
    }
}
