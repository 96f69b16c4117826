//! The choice of a dialect at paths that several share. `directory`, `token_pair` and `accounts` share
//! `/api/v1/auth/login` and `/refresh`. The latter two also share `/register` and `/me`.
//!
//! Each case is a request and the dialect that answers it. The four letters are for four apps: with all dialects, without
//! `accounts`, without `token_pair`, and without `directory`. `D`, `T` and `A` mean the three dialects. `=` means that
//! the bodies of `token_pair` and `accounts` are equal, so that their clients cannot distinguish them.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::Scopes;
use auth_http::settings::Settings;
use support::{TestApp, TestResponse};

/// The disabled dialect of each app.
const WITHOUT: [&str; 4] = ["none", "accounts", "token_pair", "directory"];

/// Texts that occur only in responses of one dialect, or in equal responses of two.
const MARKERS: [(char, &[&str]); 4] = [
    ('D', &[r#"."}"#, r#".","details":"#, r#"{"token":"#]),
    (
        'T',
        &[
            "isActive",
            "accessToken",
            "email or password",
            r#""email "#,
            "user is inactive",
            r#""refreshToken "#,
        ],
    ),
    (
        'A',
        &[
            "account_id",
            "access_token",
            "username or password",
            r#""username "#,
            r#"expired refresh token"}"#,
            r#""refresh_token "#,
            "logged out",
        ],
    ),
    (
        '=',
        &[
            r#"{"error":"Request body must be a JSON object"}"#,
            r#"{"error":"Malformed request header"}"#,
            r#"{"error":"Token is missing or invalid"}"#,
            r#"{"error":"Not found"}"#,
            r#"{"error":"Method not allowed"}"#,
            r#"{"error":"Payload too large"}"#,
            r#"{"error":"Unsupported media type"}"#,
        ],
    ),
];

/// Headers, body, and the letter of the answering dialect in each app.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'static str);

const NO_HEADERS: &[(&str, &str)] = &[];
const WRONG_KEY: &[(&str, &str)] = &[("x-api-key", "wrong")];
const TWO_KEYS: &[(&str, &str)] = &[("x-api-key", "wrong"), ("x-api-key", "wrong")];
const TEXT: &[(&str, &str)] = &[("content-type", "text/plain")];
const KEYED_TEXT: &[(&str, &str)] = &[("content-type", "text/plain"), ("x-api-key", "wrong")];

/// The letter of the dialect that answered.
fn answering_dialect(response: &TestResponse) -> char {
    let matching =
        MARKERS.iter().filter(|(_, markers)| markers.iter().any(|marker| response.body.contains(marker)));
    let letters: Vec<_> = matching.map(|(letter, _)| *letter).collect();
    assert_eq!(letters.len(), 1, "not one dialect: {} {}", response.status, response.body);
    letters[0]
}

fn disable_only(name: &str, settings: &mut Settings) {
    settings.dialects.iter_mut().for_each(|dialect| dialect.enabled = dialect.name != name);
}

async fn assert_answered_by(mut app: TestApp, method: Method, path: &str, cases: &[Case<'_>]) -> TestApp {
    for (index, name) in WITHOUT.into_iter().enumerate() {
        app = app.with_settings(|settings| disable_only(name, settings));
        for (headers, body, answered_by) in cases {
            let response = app.send_with_headers(method.clone(), path, headers, Some(body)).await;
            let expected = answered_by.chars().nth(index).expect("a letter");
            let request = format!("{method} {path} {headers:?} {body} without {name}");
            assert_eq!(
                answering_dialect(&response),
                expected,
                "{request}: {} {}",
                response.status,
                response.body
            );
        }
    }
    app
}

/// An app with a user who can log in to every dialect, and an API key.
async fn app_with_john() -> (TestApp, String) {
    let app = TestApp::new();
    let john = r#"{"username":"john","email":"john@example.com","password":"P@ssw0rd!"}"#;
    assert_eq!(app.post("/api/v1/auth/register", john).await.status, StatusCode::CREATED);
    let (_, key) = app.create_api_key(Scopes::all(), None).await;
    (app, key)
}

#[tokio::test]
async fn login_dialect_follows_the_key_then_the_identifier_member() {
    let (app, key) = app_with_john().await;
    let right_key: &[_] = &[("x-api-key", key.as_str())];
    let cases: &[Case<'_>] = &[
        (WRONG_KEY, r#"{"username":"john","password":"P@ssw0rd!"}"#, "DDDA"),
        (WRONG_KEY, r#"{"email":"john","password":"P@ssw0rd!"}"#, "DDDT"),
        (WRONG_KEY, "{", "DDD="),
        (&[("x-api-key", "")], r#"{"username":"john","password":"P@ssw0rd!"}"#, "DDDA"),
        (right_key, r#"{"username":"john","password":"P@ssw0rd!"}"#, "DDDA"),
        (right_key, r#"{"username":"john","password":"wrong"}"#, "DDDA"),
        (right_key, r#"{"email":"john","password":"P@ssw0rd!"}"#, "DDDT"),
        (NO_HEADERS, r#"{"username":"john","password":"P@ssw0rd!"}"#, "ATAA"),
        (NO_HEADERS, r#"{"username":"john","password":"wrong"}"#, "ATAA"),
        (NO_HEADERS, r#"{"username":"john","email":"john@example.com","password":"wrong"}"#, "ATAA"),
        (NO_HEADERS, r#"{"username":null,"password":"wrong"}"#, "ATAA"),
        (NO_HEADERS, r#"{"email":"john@example.com","password":"P@ssw0rd!"}"#, "TTAT"),
        (NO_HEADERS, r#"{"email":"john@example.com","password":"wrong"}"#, "TTAT"),
        (NO_HEADERS, r#"{"password":"P@ssw0rd!"}"#, "ATAA"),
        (NO_HEADERS, "{}", "ATAA"),
    ];
    assert_answered_by(app, Method::POST, "/api/v1/auth/login", cases).await;
}

#[tokio::test]
async fn refresh_dialect_follows_the_key_then_the_token_member() {
    let (app, key) = app_with_john().await;
    let right_key: &[_] = &[("x-api-key", key.as_str())];
    let cases: &[Case<'_>] = &[
        (WRONG_KEY, r#"{"refresh_token":"x"}"#, "DDDA"),
        (WRONG_KEY, r#"{"refreshToken":"x"}"#, "DDDT"),
        (right_key, r#"{"refresh_token":"x"}"#, "DDDA"),
        (right_key, "{}", "DDDA"),
        (NO_HEADERS, r#"{"refreshToken":"x"}"#, "TTAT"),
        (NO_HEADERS, r#"{"refresh_token":"x"}"#, "ATAA"),
        (NO_HEADERS, r#"{"refreshToken":"x","refresh_token":"x"}"#, "TTAT"),
        (NO_HEADERS, r#"{"refreshToken":"x","username":"john"}"#, "TTAT"),
        (NO_HEADERS, r#"{"ref_token":"x"}"#, "ATAA"),
        (NO_HEADERS, "{}", "ATAA"),
    ];
    assert_answered_by(app, Method::POST, "/api/v1/auth/refresh", cases).await;
}

#[tokio::test]
async fn register_dialect_follows_the_username_member() {
    let (app, _) = app_with_john().await;
    let cases: &[Case<'_>] = &[
        (NO_HEADERS, r#"{"username":""}"#, "ATAA"),
        (NO_HEADERS, r#"{"username":"","email":"x"}"#, "ATAA"),
        (NO_HEADERS, r#"{"email":""}"#, "TTAT"),
        (NO_HEADERS, r#"{"displayName":"John"}"#, "TTAT"),
        (NO_HEADERS, "{}", "TTAT"),
        (WRONG_KEY, r#"{"email":""}"#, "TTAT"),
        (WRONG_KEY, r#"{"username":""}"#, "ATAA"),
    ];
    assert_answered_by(app, Method::POST, "/api/v1/auth/register", cases).await;
}

/// Logs John in and returns the header value with his access token.
async fn bearer(
    app: &TestApp,
    path: &str,
    headers: &[(&str, &str)],
    identifier: &str,
    token: &str,
) -> String {
    let body = format!(r#"{{"{identifier}":"john","password":"P@ssw0rd!"}}"#);
    let response = app.send_with_headers(Method::POST, path, headers, Some(&body)).await;
    format!("Bearer {}", response.member(token))
}

#[tokio::test]
async fn me_dialect_is_the_issuer_of_the_access_token() {
    let (app, key) = app_with_john().await;
    let of_token_pair = bearer(&app, "/api/v1/auth/login", &[], "email", "accessToken").await;
    let of_accounts = bearer(&app, "/api/v1/auth/login", &[], "username", "access_token").await;
    let of_directory = bearer(&app, "/api/v1/auth/login", &[("x-api-key", &key)], "username", "token").await;
    let of_single_token = bearer(&app, "/v1/auth/login", &[], "email", "acc_token").await;
    let cases: &[Case<'_>] = &[
        (&[("authorization", of_token_pair.as_str())], "", "TT=T"),
        (&[("authorization", of_accounts.as_str())], "", "A=AA"),
        (&[("authorization", of_directory.as_str())], "", "ATA="),
        (&[("authorization", of_single_token.as_str())], "", "ATAA"),
        (&[("authorization", of_token_pair.as_str()), ("authorization", of_token_pair.as_str())], "", "===="),
        (&[("authorization", "Bearer nonsense")], "", "===="),
        (&[("authorization", "Basic am9objpzZWNyZXQ=")], "", "===="),
        (WRONG_KEY, "", "===="),
        (NO_HEADERS, "", "===="),
    ];
    let app = assert_answered_by(app, Method::GET, "/api/v1/auth/me", cases).await;
    app.ports.clock.advance(Duration::from_secs(3_606));
    let expired: Vec<_> = cases.iter().map(|(headers, body, _)| (*headers, *body, "====")).collect();
    assert_answered_by(app, Method::GET, "/api/v1/auth/me", &expired).await;
}

#[tokio::test]
async fn logout_belongs_to_accounts_alone() {
    let (app, _) = app_with_john().await;
    let cases: &[Case<'_>] = &[
        (NO_HEADERS, r#"{"refresh_token":"x"}"#, "A=AA"),
        (NO_HEADERS, r#"{"refreshToken":"x"}"#, "A=AA"),
        (WRONG_KEY, r#"{"refresh_token":"x"}"#, "A=AA"),
        (NO_HEADERS, "", "===="),
    ];
    assert_answered_by(app, Method::POST, "/api/v1/auth/logout", cases).await;
}

#[tokio::test]
async fn ambiguous_requests_get_the_shared_error_body() {
    let (mut app, _) = app_with_john().await;
    let too_large = format!(r#"{{"email":"{}"}}"#, "a".repeat(16 * 1024));
    let without_key: Vec<Case<'_>> =
        ["", " ", "{", "[]", "null", r#""email""#, r#"{"email":1,"email":2}"#, &too_large]
            .into_iter()
            .map(|body| (NO_HEADERS, body, "===="))
            .chain([(TEXT, r#"{"email":"john"}"#, "====")])
            .collect();
    let with_key: &[Case<'_>] = &[
        (WRONG_KEY, "", "DDD="),
        (WRONG_KEY, "{", "DDD="),
        (WRONG_KEY, &too_large, "DDD="),
        (TWO_KEYS, r#"{"email":"john"}"#, "DDD="),
        (KEYED_TEXT, r#"{"email":"john"}"#, "DDD="),
    ];
    for path in ["/api/v1/auth/login", "/api/v1/auth/refresh"] {
        app = assert_answered_by(app, Method::POST, path, &without_key).await;
        app = assert_answered_by(app, Method::POST, path, with_key).await;
    }
    assert_answered_by(app, Method::POST, "/api/v1/auth/register", &without_key).await;
}

#[tokio::test]
async fn other_methods_are_rejected_by_the_dialect_of_the_request() {
    let (mut app, _) = app_with_john().await;
    for (method, path, cases) in [
        (Method::GET, "login", &[(WRONG_KEY, "", "DDD="), (NO_HEADERS, "", "====")][..]),
        (Method::PUT, "refresh", &[(WRONG_KEY, "{}", "DDD="), (NO_HEADERS, "{}", "====")]),
        (Method::DELETE, "register", &[(WRONG_KEY, "", "===="), (NO_HEADERS, "", "====")]),
        (Method::POST, "me", &[(WRONG_KEY, "{}", "===="), (NO_HEADERS, "{}", "====")]),
        (Method::GET, "logout", &[(WRONG_KEY, "", "===="), (NO_HEADERS, "", "====")]),
    ] {
        app = assert_answered_by(app, method, &format!("/api/v1/auth/{path}"), cases).await;
    }
}

#[tokio::test]
async fn single_enabled_dialect_answers_every_request() {
    for (name, answered_by) in [("directory", 'D'), ("token_pair", 'T'), ("accounts", 'A')] {
        let app = TestApp::new().only(name);
        for (path, body) in [
            ("login", r#"{"username":"","password":""}"#),
            ("login", r#"{"email":"","password":""}"#),
            ("refresh", r#"{"refreshToken":""}"#),
            ("refresh", r#"{"refresh_token":""}"#),
            ("refresh", "{}"),
        ] {
            for headers in [NO_HEADERS, WRONG_KEY] {
                let path = format!("/api/v1/auth/{path}");
                let response = app.send_with_headers(Method::POST, &path, headers, Some(body)).await;
                assert_eq!(answering_dialect(&response), answered_by, "{body}: {}", response.body);
            }
        }
    }
}

#[tokio::test]
async fn token_of_a_disabled_dialect_opens_nothing() {
    let (mut app, _) = app_with_john().await;
    let response = app.post("/api/v1/auth/login", r#"{"username":"john","password":"P@ssw0rd!"}"#).await;
    let token = response.member("access_token");
    for accounts in [true, false, true] {
        app = app.with_settings(|settings| {
            let mut dialects = settings.dialects.iter_mut();
            dialects.find(|dialect| dialect.name == "accounts").expect("the dialect").enabled = accounts;
        });
        let expected = if accounts { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        for path in ["/v1/protected/resource", "/api/v1/auth/me"] {
            assert_eq!(app.get(path, Some(&token)).await.status, expected, "{path} {accounts}");
        }
    }
}

#[tokio::test]
async fn moved_dialect_shares_no_path() {
    let (app, _) = app_with_john().await;
    let app = app.with_settings(|settings| {
        let mut dialects = settings.dialects.iter_mut();
        let moved = dialects.find(|dialect| dialect.name == "token_pair").expect("the dialect");
        "/elsewhere".clone_into(&mut moved.prefix);
    });
    let username = r#"{"username":"john","password":"wrong"}"#;
    let email = r#"{"email":"john","password":"wrong"}"#;
    for (headers, body) in [(NO_HEADERS, username), (WRONG_KEY, email), (NO_HEADERS, "{}")] {
        let moved = app.send_with_headers(Method::POST, "/elsewhere/login", headers, Some(body)).await;
        assert_eq!(answering_dialect(&moved), 'T', "{body}: {}", moved.body);
    }
    let left = app.post("/api/v1/auth/login", email).await;
    assert_eq!(answering_dialect(&left), 'A', "{}", left.body);
}
