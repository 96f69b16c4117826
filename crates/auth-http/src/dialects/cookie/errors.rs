//! Renders every failure in the dialect's envelope.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::failure::Failure;
use crate::reply;

use super::bodies::{Error, FieldErrors};

pub(super) fn render(failure: &Failure) -> HttpResponse {
    reply::json(failure.status(), &Error { message: message(failure), errors: errors(failure) })
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

fn message(failure: &Failure) -> Cow<'static, str> {
    let message = match failure {
        Failure::MalformedBody | Failure::InvalidFields(_) => "Missing or invalid body fields.",
        Failure::MalformedHeader => "Bad request.",
        Failure::InvalidCredentials => "Invalid username or password.",
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => {
            "Invalid, expired or missing refresh token."
        }
        Failure::MissingToken | Failure::InvalidToken => "Invalid, expired or missing access token.",
        Failure::InvalidApiKey => "Unauthorized.",
        Failure::CrossSite(reason) => return format!("Forbidden: {reason}.").into(),
        Failure::Forbidden => "Forbidden.",
        Failure::UnknownPath | Failure::UnknownUser => "Not found.",
        Failure::MethodNotAllowed(_) => "Method not allowed.",
        Failure::BodyTimeout => "Request timeout.",
        Failure::Taken(_) => "Account with given username already exists.",
        Failure::BodyTooLarge => "Payload too large.",
        Failure::UnsupportedMediaType => "Unsupported media type.",
        Failure::TooManyRequests(_) => "Too many requests.",
        Failure::Internal(_) | Failure::Unavailable(_) => "Error: try again later.",
    };
    message.into()
}

/// The errors of the members. The list is empty, but present, for a body that is not a JSON object.
fn errors(failure: &Failure) -> Option<FieldErrors> {
    match failure {
        Failure::InvalidFields(errors) => Some(FieldErrors::of(errors)),
        Failure::MalformedBody => Some(FieldErrors::default()),
        _ => None,
    }
}
