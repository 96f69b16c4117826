//! Documents the error responses of an operation: the dialect's own answers to the failures that are possible there.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::body::MessageBody as _;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpResponse, http::StatusCode};
use auth_domain::model::{IdentifierKind, Limit, SessionId, Throttled};
use auth_domain::ports::BoxError;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::header::Header;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, Response, ResponseBuilder, Type};
use uuid::Uuid;

use crate::dialects::{Dialect, Endpoint, Operation, Route};
use crate::failure::{Failure, FieldError};
use crate::reply;

/// A possible failure of an operation, and the dialect's answer.
struct FailureExample {
    name: &'static str,
    description: &'static str,
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Value,
}

/// The answers to all possible failures of the operation of `route`, by status.
pub(super) fn responses(
    dialect: &dyn Dialect,
    route: &Route,
    operation: &Operation,
) -> Vec<(String, Response)> {
    let mut by_status = BTreeMap::<_, Vec<FailureExample>>::new();
    for failure in samples(operation).into_iter().filter(|failure| is_possible(failure, route, operation)) {
        let example = example(&failure, dialect, route.endpoint);
        by_status.entry(example.status.as_u16()).or_default().push(example);
    }
    by_status
        .into_iter()
        .map(|(status, examples)| (status.to_string(), response(&examples, operation)))
        .collect()
}

/// One example of each failure. Add a new variant here, and to the functions below, which do not compile without it.
fn samples(operation: &Operation) -> Vec<Failure> {
    vec![
        Failure::MalformedBody,
        Failure::MalformedHeader,
        Failure::InvalidFields(invalid_members(operation)),
        Failure::UnsupportedMediaType,
        Failure::BodyTooLarge,
        Failure::BodyTimeout,
        Failure::UnknownPath,
        Failure::MethodNotAllowed(Vec::new()),
        Failure::Taken(IdentifierKind::Username),
        Failure::Taken(IdentifierKind::Email),
        Failure::InvalidCredentials,
        Failure::MissingToken,
        Failure::InvalidToken,
        Failure::InvalidRefreshToken,
        Failure::ReplayedRefreshToken(SessionId(Uuid::nil())),
        Failure::InvalidApiKey,
        Failure::Forbidden,
        Failure::CrossSite,
        Failure::UnknownUser,
        Failure::TooManyRequests(throttled()),
        Failure::Unavailable(sample_cause()),
        Failure::Internal(sample_cause()),
    ]
}

fn sample_cause() -> BoxError {
    BoxError::from("an example")
}

fn throttled() -> Throttled {
    let window = Some(Duration::from_secs(60));
    Throttled { limit: Limit::LogIns, quota: 30, window, retry_after: Duration::from_secs(2) }
}

/// An error that can occur in the body.
fn invalid_members(operation: &Operation) -> Vec<FieldError> {
    let Some(body) = &operation.body else { return Vec::new() };
    let (field, message) = match body.schema.required_member() {
        Some(member) => (Some(member), "is required"),
        None => (body.schema.any_member(), "must be a string"),
    };
    field
        .map(|field| FieldError { field: field.to_owned().into(), message: message.to_owned() })
        .into_iter()
        .collect()
}

/// Whether this failure is possible for the operation of `route`.
fn is_possible(failure: &Failure, route: &Route, operation: &Operation) -> bool {
    match failure {
        Failure::MalformedBody | Failure::InvalidFields(_) | Failure::UnsupportedMediaType => {
            operation.body.is_some()
        }
        // The body is received before the router chooses a route, even if the operation has no body.
        Failure::BodyTooLarge | Failure::BodyTimeout => {
            matches!(route.method, Method::POST | Method::PUT | Method::PATCH)
        }
        // These occur outside every operation.
        Failure::UnknownPath | Failure::MethodNotAllowed(_) => false,
        Failure::Taken(kind) => {
            let member = match kind {
                IdentifierKind::Username => "username",
                IdentifierKind::Email => "email",
            };
            matches!(route.endpoint, Endpoint::Register | Endpoint::UpdateUser) && operation.takes(member)
        }
        Failure::InvalidCredentials => route.endpoint == Endpoint::LogIn,
        Failure::MissingToken | Failure::InvalidToken => operation.takes_bearer,
        Failure::InvalidRefreshToken => route.endpoint == Endpoint::Refresh,
        Failure::ReplayedRefreshToken(_) => route.endpoint == Endpoint::Refresh || operation.cookie.is_some(),
        Failure::InvalidApiKey => operation.takes_api_key,
        Failure::Forbidden => operation.takes_api_key || route.endpoint == Endpoint::ProtectedResource,
        Failure::CrossSite => operation.cookie.is_some(),
        Failure::TooManyRequests(_) => {
            matches!(route.endpoint, Endpoint::Register | Endpoint::LogIn | Endpoint::Refresh)
                || operation.cookie.is_some()
        }
        Failure::UnknownUser => {
            matches!(
                route.endpoint,
                Endpoint::GetUser | Endpoint::UpdateUser | Endpoint::SetRoles | Endpoint::DeleteUser
            )
        }
        Failure::MalformedHeader | Failure::Unavailable(_) | Failure::Internal(_) => true,
    }
}

/// The name of a failure among the examples, and its description.
fn name_and_description(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::MalformedBody => {
            ("malformed_body", "The body is not a JSON object, or has a duplicate member.")
        }
        Failure::MalformedHeader => ("malformed_header", "Duplicate header."),
        Failure::InvalidFields(_) => ("invalid_members", "A member of the body is missing or invalid."),
        Failure::UnsupportedMediaType => ("unsupported_media_type", "The body is not declared as JSON."),
        Failure::BodyTooLarge => ("body_too_large", "The body has more than 16 KiB."),
        Failure::BodyTimeout => ("body_timeout", "The body took more than 10 seconds to arrive."),
        Failure::UnknownPath => ("unknown_path", "There is nothing at this path."),
        Failure::MethodNotAllowed(_) => ("method_not_allowed", "The path has no such method."),
        Failure::Taken(IdentifierKind::Username) => ("username_taken", "Another user has this username."),
        Failure::Taken(IdentifierKind::Email) => ("email_taken", "Another user has this e-mail address."),
        Failure::InvalidCredentials => {
            ("invalid_credentials", "The user is unknown or suspended, or the password is wrong.")
        }
        Failure::MissingToken => ("missing_token", "There is no access token."),
        Failure::InvalidToken => ("invalid_token", "The access token is invalid or expired."),
        Failure::InvalidRefreshToken => ("invalid_refresh_token", "The refresh token is invalid or expired."),
        Failure::ReplayedRefreshToken(_) => {
            ("replayed_refresh_token", "The refresh token was used before. Its session has ended.")
        }
        Failure::InvalidApiKey => {
            ("invalid_api_key", "There is no API key, or it is unknown, revoked or expired.")
        }
        Failure::Forbidden => ("forbidden", "The API key lacks the scope, or the user the role."),
        Failure::CrossSite => ("cross_site", "A browser sent this for a page of another site."),
        Failure::UnknownUser => ("unknown_user", "There is no such user."),
        Failure::TooManyRequests(_) => {
            ("too_many_requests", "Too many attempts. `Retry-After` contains the time to wait.")
        }
        Failure::Unavailable(_) => {
            ("unavailable", "The service is temporarily unavailable. Retry the request.")
        }
        Failure::Internal(_) => ("internal", "Internal error."),
    }
}

fn example(failure: &Failure, dialect: &dyn Dialect, endpoint: Endpoint) -> FailureExample {
    let (name, description) = name_and_description(failure);
    let mut response = dialect.render(failure, Some(endpoint));
    reply::add_headers_of(failure, response.headers_mut());
    FailureExample {
        name,
        description,
        status: response.status(),
        headers: own_headers(response.headers()),
        body: body_of(response),
    }
}

fn own_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let own = headers.iter().filter(|(name, _)| *name != CONTENT_TYPE);
    own.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

fn body_of(response: HttpResponse) -> Value {
    let bytes = response.into_body().try_into_bytes().unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The response for one status, from all its examples.
fn response(examples: &[FailureExample], operation: &Operation) -> Response {
    let mut descriptions: Vec<_> = examples.iter().map(|example| example.description).collect();
    descriptions.dedup();
    let content = ContentBuilder::new().schema(Some(operation.error.reference()));
    let content = match examples {
        [only] => content.example(Some(only.body.clone())),
        several => content.examples_from_iter(several.iter().map(|example| {
            let built = ExampleBuilder::new().summary(example.description).value(Some(example.body.clone()));
            (example.name, built.build())
        })),
    };
    let response = ResponseBuilder::new()
        .description(descriptions.join(" "))
        .content("application/json", content.build());
    headers(examples)
        .into_iter()
        .fold(response, |response, (name, header)| response.header(name, header))
        .build()
}

/// The headers of the response for one status.
fn headers(examples: &[FailureExample]) -> BTreeMap<String, Header> {
    let mut values = BTreeMap::<_, Vec<(&str, &str)>>::new();
    for example in examples {
        for (name, value) in &example.headers {
            values.entry(name.clone()).or_default().push((example.name, value));
        }
    }
    values.into_iter().map(|(name, values)| (name, header(&values))).collect()
}

fn header(values: &[(&str, &str)]) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
    match values {
        [(_, only)] => header.example = Some(Value::from(*only)),
        several => {
            for (name, value) in several {
                let mut example = Example::new();
                example.value = Some(Value::from(*value));
                header.examples.insert((*name).to_owned(), RefOr::T(example));
            }
        }
    }
    header
}
