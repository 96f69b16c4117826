//! Common passwords and own names, where they are refused: in every dialect, wherever a password is set.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod speaker;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{ApiKeyName, Blocklist, Scopes};
use auth_domain::policy::Policy;
use auth_domain::use_cases::CreateApiKey;
use speaker::{Answer, Speaker};

const PUT: &str = r#"{"password":"?"}"#;

/// What somebody sends to register, with `?` for the password, in each dialect.
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

/// What a dialect answers: that it is the password which is wrong, in its words.
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

async fn speaker() -> (Speaker, String) {
    let blocklist = Some(Blocklist::new(["iloveyou"]));
    let speaker = Speaker::new().await.under(Policy { blocklist, ..Policy::default() });
    let name = ApiKeyName::parse("backend").expect("a name");
    let create = CreateApiKey { name, scopes: Scopes::all(), lifetime: None };
    let created = speaker.world.auth().create_api_key(create).await.expect("a key");
    (speaker, created.secret.expose().to_string())
}

async fn send(speaker: &Speaker, key: &str, method: Method, path: &str, body: &str, typed: &str) -> Answer {
    speaker.send_with_headers(method, path, &[("x-api-key", key)], Some(&body.replace('?', typed))).await
}

async fn register(dialect: &str, path: &str, sent: &str, typed: &str) -> Answer {
    let (speaker, key) = speaker().await;
    let speaker = speaker.hearing_only(dialect);
    send(&speaker, &key, Method::POST, path, sent, typed).await
}

#[tokio::test]
async fn whoever_registers_with_one_is_told_which_member_is_wrong() {
    for (dialect, path, sent) in REGISTER {
        for (typed, reason) in
            [("ILoveYou", "is too common"), ("Jane_Doe", "must not be one of the account's own names")]
        {
            let answer = register(dialect, path, sent, typed).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{dialect}: {}", answer.body);
            assert_eq!(answer.body, expected(dialect, reason), "{dialect}");
        }
        assert_eq!(register(dialect, path, sent, "P@ssw0rd!").await.status, StatusCode::CREATED, "{dialect}");
    }
}

#[tokio::test]
async fn a_backend_that_sets_one_is_told_so_and_the_old_password_stays() {
    let (speaker, key) = speaker().await;
    let jane = r#"{"username":"jane_doe","email":"j.doe@example.com","password":"P@ssw0rd!"}"#;
    let created =
        speaker.send_with_headers(Method::POST, "/api/v1/users", &[("x-api-key", &key)], Some(jane)).await;
    let path = format!("/api/v1/users/{}", created.member("id"));
    for (typed, reason) in
        [("iloveyou", "is too common"), ("JANE_DOE", "must not be one of the account's own names")]
    {
        let answer = send(&speaker, &key, Method::PUT, &path, PUT, typed).await;
        assert_eq!((answer.status, answer.body), (StatusCode::BAD_REQUEST, expected("directory", reason)));
    }
    let login = r#"{"username":"jane_doe","password":"P@ssw0rd!"}"#;
    let login = speaker
        .send_with_headers(Method::POST, "/api/v1/auth/login", &[("x-api-key", &key)], Some(login))
        .await;
    assert_eq!(login.status, StatusCode::OK);
    assert_eq!(send(&speaker, &key, Method::PUT, &path, PUT, "another one").await.status, StatusCode::OK);
}
