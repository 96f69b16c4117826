//! Every failure in every dialect: worded as JSON, with nothing of its cause, as `docs/errors.md` says.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::Method;
use auth_domain::model::{IdentifierKind, Limit, SessionId, Throttled};
use auth_http::dialects::{ALL, Dialect, Endpoint};
use auth_http::failure::{Failure, FieldError};
use uuid::Uuid;

/// What a cause says in these tests, and no answer.
const CAUSE: &str = "the cause of it";

/// One of each failure, with the endpoint where it is typical and its line in the page.
fn samples() -> Vec<(&'static str, Endpoint, Failure)> {
    let field = |field: &'static str| FieldError { field: field.into(), message: "is required".to_owned() };
    let session = SessionId(Uuid::from_u128(1));
    let retry_after = Duration::from_secs(8);
    let throttled = Throttled { limit: Limit::Account, quota: 5, window: None, retry_after };
    vec![
        ("the body is no JSON object", Endpoint::LogIn, Failure::MalformedBody),
        ("a header that may stand once stands twice", Endpoint::LogIn, Failure::MalformedHeader),
        ("a member is missing or wrong", Endpoint::Register, Failure::InvalidFields(vec![field("password")])),
        ("the body is not declared as JSON", Endpoint::LogIn, Failure::UnsupportedMediaType),
        ("the body is too large", Endpoint::LogIn, Failure::BodyTooLarge),
        ("the body did not arrive in time", Endpoint::LogIn, Failure::BodyTimeout),
        ("no such path", Endpoint::LogIn, Failure::UnknownPath),
        ("another method", Endpoint::LogIn, Failure::MethodNotAllowed(vec![Method::POST])),
        ("the username is taken", Endpoint::Register, Failure::Taken(IdentifierKind::Username)),
        ("the e-mail address is taken", Endpoint::Register, Failure::Taken(IdentifierKind::Email)),
        ("wrong credentials", Endpoint::LogIn, Failure::InvalidCredentials),
        ("no access token", Endpoint::Me, Failure::MissingToken),
        ("an access token that opens nothing", Endpoint::Me, Failure::InvalidToken),
        ("what does not refresh", Endpoint::Refresh, Failure::InvalidRefreshToken),
        ("what was used before", Endpoint::Refresh, Failure::ReplayedRefreshToken(session)),
        ("no API key that serves", Endpoint::GetUser, Failure::InvalidApiKey),
        ("the user or the key may not", Endpoint::ProtectedResource, Failure::Forbidden),
        ("a page of another site", Endpoint::Refresh, Failure::CrossSite),
        ("no such user", Endpoint::GetUser, Failure::UnknownUser),
        ("too many attempts", Endpoint::LogIn, Failure::TooManyRequests(throttled)),
        ("the store is away or the queue is full", Endpoint::LogIn, Failure::Unavailable(CAUSE.into())),
        ("a fault of ours", Endpoint::LogIn, Failure::Internal(CAUSE.into())),
    ]
}

/// Does not compile when there is a failure that [`samples`] may lack: add it there too.
fn is_sampled(failure: &Failure) -> bool {
    match failure {
        Failure::MalformedBody
        | Failure::MalformedHeader
        | Failure::InvalidFields(_)
        | Failure::UnsupportedMediaType
        | Failure::BodyTooLarge
        | Failure::BodyTimeout
        | Failure::UnknownPath
        | Failure::MethodNotAllowed(_)
        | Failure::Taken(_)
        | Failure::InvalidCredentials
        | Failure::MissingToken
        | Failure::InvalidToken
        | Failure::InvalidRefreshToken
        | Failure::ReplayedRefreshToken(_)
        | Failure::InvalidApiKey
        | Failure::Forbidden
        | Failure::CrossSite
        | Failure::UnknownUser
        | Failure::TooManyRequests(_)
        | Failure::Unavailable(_)
        | Failure::Internal(_) => true,
    }
}

fn body_of(response: HttpResponse) -> String {
    let Ok(bytes) = response.into_body().try_into_bytes() else { panic!("a streamed answer") };
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn answer(dialect: &dyn Dialect, failure: &Failure, endpoint: Option<Endpoint>) -> (u16, String) {
    let response = dialect.render(failure, endpoint);
    (response.status().as_u16(), body_of(response))
}

#[test]
fn every_failure_is_worded_in_every_dialect_and_tells_nothing_of_its_cause() {
    for dialect in ALL {
        let endpoints = dialect.routes().iter().map(|route| Some(route.endpoint)).chain([None]);
        for endpoint in endpoints {
            for (line, _, failure) in samples().iter().filter(|(_, _, failure)| is_sampled(failure)) {
                let (status, body) = answer(dialect, failure, endpoint);
                let place = format!("{line} in {} at {endpoint:?}: {status} {body}", dialect.profile().name);
                assert!((400..600).contains(&status), "{place}");
                let is_fault = matches!(failure, Failure::Internal(_) | Failure::Unavailable(_));
                assert_eq!(status >= 500, is_fault, "{place}");
                let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
                let text = json.get("error").or_else(|| json.get("message")).and_then(|text| text.as_str());
                assert!(text.is_some_and(|text| !text.is_empty()), "{place}");
                assert!(!body.contains(CAUSE), "{place}");
            }
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Failures in every dialect\n\n\
         <!-- Written by the test `the_page_of_errors_is_fresh`. Do not edit: run `just errors`. -->\n\n\
         What is answered where the failure is typical. Where a dialect has no such endpoint, it is what it would say.\n",
    );
    for (line, endpoint, failure) in samples() {
        let _ = write!(page, "\n## {line}\n\n| dialect | status | body |\n|---|---|---|\n");
        for dialect in ALL {
            let (status, body) = answer(dialect, &failure, Some(endpoint));
            let _ = writeln!(page, "| `{}` | {status} | `{body}` |", dialect.profile().name);
        }
    }
    page
}

#[test]
fn the_page_of_errors_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("WRITE_ERRORS_PAGE").is_some() {
        fs::write(&path, page()).expect("written");
    }
    assert!(
        fs::read_to_string(&path).expect("a page") == page(),
        "docs/errors.md is stale: run `just errors`"
    );
}
