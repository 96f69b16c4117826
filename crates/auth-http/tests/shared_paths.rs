//! Which dialect answers at a path that several share. `directory`, `token_pair` and `accounts` are all at
//! `/api/v1/auth/login` and `/refresh`, the latter two at `/register` and `/me` as well.
//!
//! Each row of a table is a request and who answers it: with all dialects served, without `accounts`, without
//! `token_pair`, and without `directory`. `D`, `T` and `A` stand for the three; `=` says that the words are those of
//! `token_pair` and `accounts` alike, so that neither's client can notice whose they are.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::Scopes;
use auth_http::settings::Settings;
use support::{TestApp, TestResponse};

/// The dialect that each column of a table is without.
const WITHOUT: [&str; 4] = ["none", "accounts", "token_pair", "directory"];

/// What only one of the three says, and what two of them say alike.
const WORDS: [(char, &[&str]); 4] = [
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

/// Headers, a body, and who answers in each of the columns.
type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'static str);

const NO_HEADERS: &[(&str, &str)] = &[];
const WRONG_KEY: &[(&str, &str)] = &[("x-api-key", "wrong")];
const TWO_KEYS: &[(&str, &str)] = &[("x-api-key", "wrong"), ("x-api-key", "wrong")];
const TEXT: &[(&str, &str)] = &[("content-type", "text/plain")];
const KEYED_TEXT: &[(&str, &str)] = &[("content-type", "text/plain"), ("x-api-key", "wrong")];

/// Who has answered.
fn who(response: &TestResponse) -> char {
    let said = |words: &[&str]| words.iter().any(|word| response.body.contains(word));
    let speakers: Vec<_> = WORDS.iter().filter(|(_, words)| said(words)).map(|(who, _)| *who).collect();
    assert_eq!(speakers.len(), 1, "whose words are these? {} {}", response.status, response.body);
    speakers[0]
}

fn without(name: &str, settings: &mut Settings) {
    settings.dialects.iter_mut().for_each(|dialect| dialect.enabled = dialect.name != name);
}

async fn assert_answered(mut app: TestApp, method: Method, path: &str, rows: &[Row<'_>]) -> TestApp {
    for (column, name) in WITHOUT.into_iter().enumerate() {
        app = app.with_settings(|settings| without(name, settings));
        for (headers, body, answered_by) in rows {
            let response = app.send_with_headers(method.clone(), path, headers, Some(body)).await;
            let expected = answered_by.chars().nth(column).expect("a column");
            let request = format!("{method} {path} {headers:?} {body} without {name}");
            assert_eq!(who(&response), expected, "{request}: {} {}", response.status, response.body);
        }
    }
    app
}

/// Somebody whom every dialect knows, and an API key.
async fn acquainted() -> (TestApp, String) {
    let app = TestApp::new();
    let john = r#"{"username":"john","email":"john@example.com","password":"P@ssw0rd!"}"#;
    assert_eq!(app.post("/api/v1/auth/register", john).await.status, StatusCode::CREATED);
    let (_, key) = app.create_api_key(Scopes::all(), None).await;
    (app, key)
}

#[tokio::test]
async fn login_is_chosen_by_the_key_then_by_the_name_of_the_identifier() {
    let (app, key) = acquainted().await;
    let right_key: &[_] = &[("x-api-key", key.as_str())];
    let rows: &[Row<'_>] = &[
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
    assert_answered(app, Method::POST, "/api/v1/auth/login", rows).await;
}

#[tokio::test]
async fn refresh_is_chosen_by_the_key_then_by_the_name_of_the_token() {
    let (app, key) = acquainted().await;
    let right_key: &[_] = &[("x-api-key", key.as_str())];
    let rows: &[Row<'_>] = &[
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
    assert_answered(app, Method::POST, "/api/v1/auth/refresh", rows).await;
}

#[tokio::test]
async fn register_is_chosen_by_the_username() {
    let (app, _) = acquainted().await;
    let rows: &[Row<'_>] = &[
        (NO_HEADERS, r#"{"username":""}"#, "ATAA"),
        (NO_HEADERS, r#"{"username":"","email":"x"}"#, "ATAA"),
        (NO_HEADERS, r#"{"email":""}"#, "TTAT"),
        (NO_HEADERS, r#"{"displayName":"John"}"#, "TTAT"),
        (NO_HEADERS, "{}", "TTAT"),
        (WRONG_KEY, r#"{"email":""}"#, "TTAT"),
        (WRONG_KEY, r#"{"username":""}"#, "ATAA"),
    ];
    assert_answered(app, Method::POST, "/api/v1/auth/register", rows).await;
}

#[tokio::test]
async fn me_is_chosen_by_the_dialect_that_issued_the_access_token() {
    let (app, key) = acquainted().await;
    let log_in = async |path: &str, identifier: &str, token: &str| {
        let body = format!(r#"{{"{identifier}":"john","password":"P@ssw0rd!"}}"#);
        let headers: &[_] = if token == "token" { &[("x-api-key", key.as_str())] } else { &[] };
        let response = app.send_with_headers(Method::POST, path, headers, Some(&body)).await;
        format!("Bearer {}", response.member(token))
    };
    let pairs = log_in("/api/v1/auth/login", "email", "accessToken").await;
    let accounts = log_in("/api/v1/auth/login", "username", "access_token").await;
    let directorys = log_in("/api/v1/auth/login", "username", "token").await;
    let singles = log_in("/v1/auth/login", "email", "acc_token").await;
    let rows: &[Row<'_>] = &[
        (&[("authorization", pairs.as_str())], "", "TTAT"),
        (&[("authorization", accounts.as_str())], "", "ATAA"),
        (&[("authorization", directorys.as_str())], "", "ATAA"),
        (&[("authorization", singles.as_str())], "", "ATAA"),
        (&[("authorization", pairs.as_str()), ("authorization", pairs.as_str())], "", "===="),
        (&[("authorization", "Bearer nonsense")], "", "===="),
        (&[("authorization", "Basic am9objpzZWNyZXQ=")], "", "===="),
        (WRONG_KEY, "", "===="),
        (NO_HEADERS, "", "===="),
    ];
    let app = assert_answered(app, Method::GET, "/api/v1/auth/me", rows).await;
    app.ports.clock.advance(Duration::from_secs(3_606));
    let expired: Vec<_> = rows.iter().map(|(headers, body, _)| (*headers, *body, "====")).collect();
    assert_answered(app, Method::GET, "/api/v1/auth/me", &expired).await;
}

#[tokio::test]
async fn logout_is_nobodys_but_accounts() {
    let (app, _) = acquainted().await;
    let rows: &[Row<'_>] = &[
        (NO_HEADERS, r#"{"refresh_token":"x"}"#, "A=AA"),
        (NO_HEADERS, r#"{"refreshToken":"x"}"#, "A=AA"),
        (WRONG_KEY, r#"{"refresh_token":"x"}"#, "A=AA"),
        (NO_HEADERS, "", "===="),
    ];
    assert_answered(app, Method::POST, "/api/v1/auth/logout", rows).await;
}

#[tokio::test]
async fn what_fits_nothing_is_answered_alike_by_whoever_it_may_have_been_for() {
    let (mut app, _) = acquainted().await;
    let too_large = format!(r#"{{"email":"{}"}}"#, "a".repeat(16 * 1024));
    let unkeyed: Vec<Row<'_>> =
        ["", " ", "{", "[]", "null", r#""email""#, r#"{"email":1,"email":2}"#, &too_large]
            .into_iter()
            .map(|body| (NO_HEADERS, body, "===="))
            .chain([(TEXT, r#"{"email":"john"}"#, "====")])
            .collect();
    let keyed: &[Row<'_>] = &[
        (WRONG_KEY, "", "DDD="),
        (WRONG_KEY, "{", "DDD="),
        (WRONG_KEY, &too_large, "DDD="),
        (TWO_KEYS, r#"{"email":"john"}"#, "DDD="),
        (KEYED_TEXT, r#"{"email":"john"}"#, "DDD="),
    ];
    for path in ["/api/v1/auth/login", "/api/v1/auth/refresh"] {
        app = assert_answered(app, Method::POST, path, &unkeyed).await;
        app = assert_answered(app, Method::POST, path, keyed).await;
    }
    assert_answered(app, Method::POST, "/api/v1/auth/register", &unkeyed).await;
}

#[tokio::test]
async fn another_method_is_refused_by_whom_the_request_would_have_been_for() {
    let (mut app, _) = acquainted().await;
    for (method, path, rows) in [
        (Method::GET, "login", &[(WRONG_KEY, "", "DDD="), (NO_HEADERS, "", "====")][..]),
        (Method::PUT, "refresh", &[(WRONG_KEY, "{}", "DDD="), (NO_HEADERS, "{}", "====")]),
        (Method::DELETE, "register", &[(WRONG_KEY, "", "===="), (NO_HEADERS, "", "====")]),
        (Method::POST, "me", &[(WRONG_KEY, "{}", "===="), (NO_HEADERS, "{}", "====")]),
        (Method::GET, "logout", &[(WRONG_KEY, "", "===="), (NO_HEADERS, "", "====")]),
    ] {
        app = assert_answered(app, method, &format!("/api/v1/auth/{path}"), rows).await;
    }
}

#[tokio::test]
async fn a_dialect_that_is_alone_answers_whatever_comes() {
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
                assert_eq!(who(&response), answered_by, "{body}: {}", response.body);
            }
        }
    }
}

#[tokio::test]
async fn a_dialect_that_has_moved_away_shares_nothing() {
    let (app, _) = acquainted().await;
    let app = app.with_settings(|settings| {
        let mut dialects = settings.dialects.iter_mut();
        let moved = dialects.find(|dialect| dialect.name == "token_pair").expect("the dialect");
        "/elsewhere".clone_into(&mut moved.prefix);
    });
    let username = r#"{"username":"john","password":"wrong"}"#;
    let email = r#"{"email":"john","password":"wrong"}"#;
    for (headers, body) in [(NO_HEADERS, username), (WRONG_KEY, email), (NO_HEADERS, "{}")] {
        let moved = app.send_with_headers(Method::POST, "/elsewhere/login", headers, Some(body)).await;
        assert_eq!(who(&moved), 'T', "{body}: {}", moved.body);
    }
    let left = app.post("/api/v1/auth/login", email).await;
    assert_eq!(who(&left), 'A', "{}", left.body);
}
