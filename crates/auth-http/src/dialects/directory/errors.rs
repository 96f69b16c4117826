//! Renders every failure in the dialect's envelope.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::HttpResponse;
use auth_domain::model::IdentifierKind;

use crate::failure::Failure;
use crate::reply;

use super::bodies::Error;

pub(super) fn render(failure: &Failure) -> HttpResponse {
    reply::json(failure.status(), &Error { error: message(failure), details: details(failure) })
}

fn message(failure: &Failure) -> Cow<'static, str> {
    let message = match failure {
        Failure::MalformedBody | Failure::MalformedHeader | Failure::InvalidFields(_) => {
            "Invalid request data."
        }
        Failure::InvalidApiKey => "Invalid or missing API key.",
        Failure::InvalidCredentials => "Invalid credentials.",
        Failure::InvalidRefreshToken | Failure::ReplayedRefreshToken(_) => "Invalid refresh token.",
        Failure::MissingToken | Failure::InvalidToken => "Unauthorized.",
        Failure::Forbidden => "The API key lacks the required scope.",
        Failure::CrossSite(reason) => return format!("Forbidden: {reason}.").into(),
        Failure::UnknownUser => "User not found.",
        Failure::UnknownPath => "Not found.",
        Failure::MethodNotAllowed(_) => "Method not allowed.",
        Failure::BodyTimeout => "Request timeout.",
        Failure::Taken(_) => "Username or email already exists.",
        Failure::BodyTooLarge => "Payload too large.",
        Failure::UnsupportedMediaType => "Unsupported media type.",
        Failure::TooManyRequests(_) => "Too many requests.",
        Failure::Internal(_) => "Internal server error.",
        Failure::Unavailable(_) => "Service unavailable.",
    };
    message.into()
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
