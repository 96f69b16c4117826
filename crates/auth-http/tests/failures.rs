//! Every failure in every dialect: a JSON body without the cause, as `docs/errors.md` lists it.
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
use auth_http::web_origin::CrossSite;
use uuid::Uuid;

/// The text of a cause, which no response may contain.
const CAUSE: &str = "the cause of it";

/// One sample of each failure: heading in the page, typical endpoint, failure.
fn samples() -> Vec<(&'static str, Endpoint, Failure)> {
    let password = FieldError { field: "password".into(), message: "is required".to_owned() };
    let session = SessionId(Uuid::from_u128(1));
    let retry_after = Duration::from_secs(8);
    let throttled = Throttled { limit: Limit::Account, quota: 5, window: None, retry_after };
    let not_listed = CrossSite::NotListed("https://other.example.com".to_owned());
    vec![
        ("Body is not a JSON object", Endpoint::LogIn, Failure::MalformedBody),
        ("Duplicate header", Endpoint::LogIn, Failure::MalformedHeader),
        ("Missing or invalid member", Endpoint::Register, Failure::InvalidFields(vec![password])),
        ("Body is not declared as JSON", Endpoint::LogIn, Failure::UnsupportedMediaType),
        ("Body is too large", Endpoint::LogIn, Failure::BodyTooLarge),
        ("Body timeout", Endpoint::LogIn, Failure::BodyTimeout),
        ("Unknown path", Endpoint::LogIn, Failure::UnknownPath),
        ("Method not allowed", Endpoint::LogIn, Failure::MethodNotAllowed(vec![Method::POST])),
        ("Username is taken", Endpoint::Register, Failure::Taken(IdentifierKind::Username)),
        ("E-mail address is taken", Endpoint::Register, Failure::Taken(IdentifierKind::Email)),
        ("Invalid credentials", Endpoint::LogIn, Failure::InvalidCredentials),
        ("Missing access token", Endpoint::Me, Failure::MissingToken),
        ("Invalid access token", Endpoint::Me, Failure::InvalidToken),
        ("Invalid refresh token", Endpoint::Refresh, Failure::InvalidRefreshToken),
        ("Replayed refresh token", Endpoint::Refresh, Failure::ReplayedRefreshToken(session)),
        ("Invalid API key", Endpoint::GetUser, Failure::InvalidApiKey),
        ("Missing role or scope", Endpoint::ProtectedResource, Failure::Forbidden),
        ("Cross-site request", Endpoint::Refresh, Failure::CrossSite(not_listed)),
        ("Unknown user", Endpoint::GetUser, Failure::UnknownUser),
        ("Too many attempts", Endpoint::LogIn, Failure::TooManyRequests(throttled)),
        ("Service unavailable: store or queue", Endpoint::LogIn, Failure::Unavailable(CAUSE.into())),
        ("Internal error", Endpoint::LogIn, Failure::Internal(CAUSE.into())),
    ]
}

/// Forces a compile error when a failure is added: add it to [`samples`] too.
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
        | Failure::CrossSite(_)
        | Failure::UnknownUser
        | Failure::TooManyRequests(_)
        | Failure::Unavailable(_)
        | Failure::Internal(_) => true,
    }
}

fn body_of(response: HttpResponse) -> String {
    let Ok(bytes) = response.into_body().try_into_bytes() else { panic!("a streamed body") };
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn render(dialect: &dyn Dialect, failure: &Failure, endpoint: Option<Endpoint>) -> (u16, String) {
    let response = dialect.render(failure, endpoint);
    (response.status().as_u16(), body_of(response))
}

#[test]
fn every_dialect_renders_every_failure_without_its_cause() {
    for dialect in ALL {
        let endpoints = dialect.routes().iter().map(|route| Some(route.endpoint)).chain([None]);
        for endpoint in endpoints {
            for (line, _, failure) in samples().iter().filter(|(_, _, failure)| is_sampled(failure)) {
                let (status, body) = render(dialect, failure, endpoint);
                let context =
                    format!("{line} in {} at {endpoint:?}: {status} {body}", dialect.profile().name);
                assert!((400..600).contains(&status), "{context}");
                let is_server_error = matches!(failure, Failure::Internal(_) | Failure::Unavailable(_));
                assert_eq!(status >= 500, is_server_error, "{context}");
                let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
                let text = json.get("error").or_else(|| json.get("message")).and_then(|text| text.as_str());
                assert!(text.is_some_and(|text| !text.is_empty()), "{context}");
                assert!(!body.contains(CAUSE), "{context}");
            }
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Failures in every dialect\n\n\
         <!-- Written by the test `errors_page_is_up_to_date`. Do not edit: run `just errors`. -->\n\n\
         Each row shows the answer at the endpoint where the failure is typical, even if the dialect lacks that endpoint.\n",
    );
    for (line, endpoint, failure) in samples() {
        let _ = write!(page, "\n## {line}\n\n| dialect | status | body |\n|---|---|---|\n");
        for dialect in ALL {
            let (status, body) = render(dialect, &failure, Some(endpoint));
            let _ = writeln!(page, "| `{}` | {status} | `{body}` |", dialect.profile().name);
        }
    }
    page
}

#[test]
fn errors_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("WRITE_ERRORS_PAGE").is_some() {
        fs::write(&path, page()).expect("written");
    }
    assert!(
        fs::read_to_string(&path).expect("a page") == page(),
        "docs/errors.md is stale: run `just errors`"
    );
}
