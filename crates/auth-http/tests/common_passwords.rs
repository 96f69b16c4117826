//! A blocklist rejects common passwords and the own names of an account wherever a dialect sets a password.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::Scopes;
use auth_domain::policy::Policy;
use support::{TestApp, TestResponse};

const PUT: &str = r#"{"password":"?"}"#;

/// Dialect, path and body of a registration, with `?` for the password.
const REGISTER: [(&str, &str, &str); 5] = [
    (
        "single_token",
        "/v1/auth/register",
        r#"{"username":"jane_doe","email":"j.doe@example.com","password":"?"}"#,
    ),
    ("directory", "/api/v1/users", r#"{"username":"jane_doe","email":"j.doe@example.com","password":"?"}"#),
    ("token_pair", "/api/v1/auth/register", r#"{"email":"jane_doe@example.com","password":"?"}"#),
    ("accounts", "/api/v1/auth/register", r#"{"username":"jane_doe","password":"?"}"#),
    ("cookie", "/api/auth/register", r#"{"username":"jane_doe","password":"?"}"#),
];

/// The error body of a dialect for a rejected password.
fn expected(dialect: &str, reason: &str) -> String {
    match dialect {
        "single_token" => r#"{"error":"Invalid input data."}"#.to_owned(),
        "directory" => {
            format!(r#"{{"error":"Invalid request data.","details":{{"password":["{reason}"]}}}}"#)
        }
        "token_pair" | "accounts" => format!(r#"{{"error":"password {reason}"}}"#),
        _ => format!(
            r#"{{"message":"Missing or invalid body fields.","errors":{{"password":["password {reason}"]}}}}"#
        ),
    }
}

async fn app() -> (TestApp, String) {
    let mut policy = Policy::default();
    policy.passwords.min_length = 6;
    let app = TestApp::new().with_policy(policy);
    let (_, key) = app.create_api_key(Scopes::all(), None).await;
    (app, key)
}

async fn send(app: &TestApp, key: &str, method: Method, path: &str, body: &str, typed: &str) -> TestResponse {
    app.send_with_headers(method, path, &[("x-api-key", key)], Some(&body.replace('?', typed))).await
}

async fn register(dialect: &str, path: &str, sent: &str, typed: &str) -> TestResponse {
    let (app, key) = app().await;
    let app = app.only(dialect);
    send(&app, &key, Method::POST, path, sent, typed).await
}

#[tokio::test]
async fn registering_with_a_common_password_names_the_member() {
    for (dialect, path, sent) in REGISTER {
        for (typed, reason) in
            [("ILoveYou", "is too common"), ("Jane_Doe", "must not be one of the account's own names")]
        {
            let response = register(dialect, path, sent, typed).await;
            assert_eq!(response.status, StatusCode::BAD_REQUEST, "{dialect}: {}", response.body);
            assert_eq!(response.body, expected(dialect, reason), "{dialect}");
        }
        assert_eq!(register(dialect, path, sent, "P@ssw0rd!").await.status, StatusCode::CREATED, "{dialect}");
    }
}

#[tokio::test]
async fn update_to_a_common_password_returns_400() {
    let (app, key) = app().await;
    let jane = r#"{"username":"jane_doe","email":"j.doe@example.com","password":"P@ssw0rd!"}"#;
    let created =
        app.send_with_headers(Method::POST, "/api/v1/users", &[("x-api-key", &key)], Some(jane)).await;
    let path = format!("/api/v1/users/{}", created.member("id"));
    for (typed, reason) in
        [("iloveyou", "is too common"), ("JANE_DOE", "must not be one of the account's own names")]
    {
        let response = send(&app, &key, Method::PUT, &path, PUT, typed).await;
        assert_eq!(
            (response.status, response.body),
            (StatusCode::BAD_REQUEST, expected("directory", reason))
        );
    }
    let login = r#"{"username":"jane_doe","password":"P@ssw0rd!"}"#;
    let login =
        app.send_with_headers(Method::POST, "/api/v1/auth/login", &[("x-api-key", &key)], Some(login)).await;
    assert_eq!(login.status, StatusCode::OK);
    assert_eq!(send(&app, &key, Method::PUT, &path, PUT, "another one").await.status, StatusCode::OK);
}
