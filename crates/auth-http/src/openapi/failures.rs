//! Documents the error responses of an operation: the dialect's own answers to the failures that are possible there.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::body::MessageBody as _;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, Limit, SessionId, Throttled};
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Response, ResponseBuilder, Type};
use uuid::Uuid;

use crate::dialects::{BodySchema, Dialect, Endpoint, Operation, Route};
use crate::failure::{Failure, FieldError};
use crate::reply;
use crate::web_origin::CrossSite;

/// A possible failure of an operation, and the dialect's answer.
struct FailureExample {
    name: &'static str,
    description: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// The answers to all possible failures of the operation of `route`, by status.
pub(super) fn responses(
    dialect: &dyn Dialect,
    route: &Route,
    operation: &Operation,
) -> Vec<(String, Response)> {
    let mut by_status = BTreeMap::<_, Vec<FailureExample>>::new();
    for failure in possible(route, operation) {
        let example = example(&failure, dialect, route.endpoint);
        by_status.entry(example.status.as_u16()).or_default().push(example);
    }
    by_status
        .into_iter()
        .map(|(status, examples)| (status.to_string(), response(&examples, operation)))
        .collect()
}

/// An example of each failure that is possible for the operation of `route`. Add a new failure here.
fn possible(route: &Route, operation: &Operation) -> Vec<Failure> {
    let mut failures = match &operation.body {
        Some(body) => vec![
            Failure::MalformedBody,
            Failure::MalformedHeader,
            Failure::InvalidFields(Vec::from_iter(invalid_member(&body.schema))),
            Failure::UnsupportedMediaType,
        ],
        None => vec![Failure::MalformedHeader],
    };
    if operation.scope.is_some() {
        failures.push(Failure::InvalidFields(vec![FieldError::invalid_end_user_address()]));
    }
    // The body is received before the router chooses a route, even if the operation has no body.
    if matches!(route.method, Method::POST | Method::PUT | Method::PATCH) {
        failures.extend([Failure::BodyTooLarge, Failure::BodyTimeout]);
    }
    if operation.takes_bearer {
        failures.extend([Failure::MissingToken, Failure::InvalidToken]);
    }
    failures.extend(possible_at(route.endpoint, operation));
    if operation.scope.is_some() {
        failures.extend([Failure::InvalidApiKey, Failure::Forbidden]);
    }
    if operation.cookie.is_some() || !operation.set_cookies.is_empty() {
        failures.push(Failure::CrossSite(CrossSite::NotListed("https://other.example.com".to_owned())));
    }
    failures.extend([Failure::Unavailable("an example".into()), Failure::Internal("an example".into())]);
    failures
}

/// The failures of the use case behind an endpoint.
fn possible_at(endpoint: Endpoint, operation: &Operation) -> Vec<Failure> {
    let window = Some(Duration::from_secs(60));
    let retry_after = Duration::from_secs(2);
    let throttled =
        Failure::TooManyRequests(Throttled { limit: Limit::LogIns, quota: 30, window, retry_after });
    let replayed = Failure::ReplayedRefreshToken(SessionId(Uuid::nil()));
    match endpoint {
        Endpoint::Register => taken(operation).chain([throttled]).collect(),
        Endpoint::LogIn => vec![Failure::InvalidCredentials, throttled],
        Endpoint::Refresh => vec![Failure::InvalidRefreshToken, replayed, throttled],
        Endpoint::LogOut if operation.cookie.is_some() => vec![replayed, throttled],
        Endpoint::LogOut | Endpoint::Me => Vec::new(),
        Endpoint::ProtectedResource => vec![Failure::Forbidden],
        Endpoint::UpdateUser => taken(operation).chain([Failure::UnknownUser]).collect(),
        Endpoint::GetUser | Endpoint::SetRoles | Endpoint::DeleteUser => vec![Failure::UnknownUser],
    }
}

/// The identifiers in the body that another user can have.
fn taken(operation: &Operation) -> impl Iterator<Item = Failure> {
    let kinds = [("username", IdentifierKind::Username), ("email", IdentifierKind::Email)];
    let body = operation.body.as_ref();
    let in_body = kinds.into_iter().filter(move |(name, _)| body.is_some_and(|body| body.schema.has(name)));
    in_body.map(|(_, kind)| Failure::Taken(kind))
}

/// An error that can occur in the body, if it has members.
fn invalid_member(body: &BodySchema) -> Option<FieldError> {
    let (member, message) = match body.required_member() {
        Some(member) => (member, "is required"),
        None => (body.any_member()?, "must be a string"),
    };
    Some(FieldError { field: member.to_owned().into(), message: message.to_owned() })
}

/// The name of a failure among the examples, and its description.
fn name_and_description(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::MalformedBody => {
            ("malformed_body", "The body is not a JSON object, or has a duplicate member.")
        }
        Failure::MalformedHeader => ("malformed_header", "A header is repeated or invalid."),
        Failure::InvalidFields(errors) if *errors == [FieldError::invalid_end_user_address()] => {
            ("invalid_end_user_address", "`X-End-User-Address` contains something other than IP addresses.")
        }
        Failure::InvalidFields(_) => ("invalid_members", "A member of the body is missing or invalid."),
        Failure::UnsupportedMediaType => ("unsupported_media_type", "The body is not declared as JSON."),
        Failure::BodyTooLarge => ("body_too_large", "The body has more than 16 KiB."),
        Failure::BodyTimeout => ("body_timeout", "The body took more than 10 seconds to arrive."),
        // These occur outside every operation.
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
        Failure::CrossSite(_) => ("cross_site", "A browser sent this for a page of another site."),
        Failure::UnknownUser => ("unknown_user", "There is no such user."),
        Failure::TooManyRequests(_) => {
            ("too_many_requests", "Too many attempts. `Retry-After` contains the time to wait.")
        }
        Failure::Unavailable(_) => {
            ("unavailable", "The service is temporarily unavailable. Retry the request.")
        }
        Failure::Internal(_) => ("internal", "The service has a fault."),
    }
}

fn example(failure: &Failure, dialect: &dyn Dialect, endpoint: Endpoint) -> FailureExample {
    let (name, description) = name_and_description(failure);
    let mut response = dialect.render(failure, Some(endpoint));
    reply::add_headers_of(failure, response.headers_mut());
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().try_into_bytes().unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    FailureExample { name, description, status, headers, body }
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

fn header_description(name: &str) -> Option<&'static str> {
    Some(match name {
        "allow" => "The methods of the path.",
        "ratelimit" => "The remaining quota (`r`) and the seconds until more is available (`t`).",
        "ratelimit-policy" => "The limit: the quota (`q`) and its window in seconds (`w`).",
        "retry-after" => "The seconds to wait before the next attempt.",
        "www-authenticate" => {
            "The required scheme of authentication, and the error of the credentials if there are any."
        }
        _ => return None,
    })
}

/// The headers of the response for one status, except for the content type.
fn headers(examples: &[FailureExample]) -> BTreeMap<&str, Header> {
    let mut values = BTreeMap::<_, Vec<_>>::new();
    for example in examples {
        for (name, value) in example.headers.iter().filter(|(name, _)| *name != CONTENT_TYPE) {
            let value = value.to_str().unwrap_or_default();
            values.entry(name.as_str()).or_default().push((example.name, value));
        }
    }
    values.into_iter().map(|(name, values)| (name, header(name, &values))).collect()
}

fn header(name: &str, values: &[(&str, &str)]) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
    header.description = header_description(name).map(str::to_owned);
    match values {
        [(_, only)] => header.example = Some(Value::from(*only)),
        several => {
            for (name, value) in several {
                let example = ExampleBuilder::new().value(Some(Value::from(*value))).build();
                header.examples.insert((*name).to_owned(), example.into());
            }
        }
    }
    header
}
