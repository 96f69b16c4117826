//! Renders every failure in the dialect's envelope.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::IdentifierKind;

use crate::failure::Failure;
use crate::reply;

use super::bodies::Error;

pub(super) fn render(failure: &Failure) -> HttpResponse {
    let (status, error) = message(failure);
    reply::json(status, &Error { error, details: details(failure) })
}

fn message(failure: &Failure) -> (StatusCode, &'static str) {
    match failure {
        Failure::MalformedBody | Failure::MalformedHeader | Failure::InvalidFields(_) => {
            (StatusCode::BAD_REQUEST, "Invalid request data.")
        }
        Failure::InvalidApiKey => (StatusCode::UNAUTHORIZED, "Invalid or missing API key."),
        Failure::InvalidCredentials => (StatusCode::UNAUTHORIZED, "Invalid credentials."),
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => {
            (StatusCode::UNAUTHORIZED, "Invalid refresh token.")
        }
        Failure::MissingToken | Failure::InvalidToken => (StatusCode::UNAUTHORIZED, "Unauthorized."),
        Failure::Forbidden => (StatusCode::FORBIDDEN, "The API key lacks the required scope."),
        Failure::CrossSite => (StatusCode::FORBIDDEN, "Forbidden."),
        Failure::UnknownUser => (StatusCode::NOT_FOUND, "User not found."),
        Failure::UnknownPath => (StatusCode::NOT_FOUND, "Not found."),
        Failure::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed."),
        Failure::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Request timeout."),
        Failure::Taken(_) => (StatusCode::CONFLICT, "Username or email already exists."),
        Failure::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload too large."),
        Failure::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type."),
        Failure::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error."),
        Failure::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable."),
    }
}

/// The error messages by member. Empty if the failure does not concern members.
fn details(failure: &Failure) -> BTreeMap<&str, Vec<&str>> {
    let mut details = BTreeMap::<_, Vec<_>>::new();
    if let Failure::InvalidFields(errors) = failure {
        for error in errors {
            details.entry(error.field.as_ref()).or_default().push(error.message.as_str());
        }
    } else if let Failure::Taken(kind) = failure {
        let field = match kind {
            IdentifierKind::Username => "username",
            IdentifierKind::Email => "email",
        };
        details.insert(field, vec!["already exists"]);
    }
    details
}
