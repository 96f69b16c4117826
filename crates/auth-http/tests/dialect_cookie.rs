//! The dialect `cookie` over in-memory adapters. The tests compare every documented example byte for byte, then the
//! behaviour that the document leaves open. `refresh_cookie.rs` tests the cookie itself.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, cookie::Cookie};
use auth_http::failure::{Failure, FieldError};
use auth_http::web_origin::CrossSite;
use support::{TestApp, TestResponse, TestUser, assert_response};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
const USER: &str = r#"{"id":1,"username":"john_doe","joined":"2025-08-13T10:15:30Z"}"#;
const BAD_CREDENTIALS: &str = r#"{"message":"Invalid username or password."}"#;
const BAD_ACCESS_TOKEN: &str = r#"{"message":"Invalid, expired or missing access token."}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"message":"Invalid, expired or missing refresh token."}"#;
const TRY_LATER: &str = r#"{"message":"Error: try again later."}"#;

const JOHN_DOE: TestUser =
    TestUser { registration: ("/api/auth/register", JOHN), login: ("/api/auth/login", JOHN) };

fn token(response: &TestResponse) -> String {
    response.string_at("/data/token")
}

fn token_and_cookie(response: &TestResponse) -> (String, String) {
    (token(response), response.cookie().to_owned())
}

async fn refresh(app: &TestApp, cookie: &str) -> TestResponse {
    app.send_with_headers(Method::POST, "/api/auth/refresh", &[("cookie", cookie)], None).await
}

fn invalid(errors: &str) -> String {
    format!(r#"{{"message":"Missing or invalid body fields.","errors":{{{errors}}}}}"#)
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_returns_201() {
        let response = TestApp::new().post("/api/auth/register", JOHN).await;
        assert_response(&response, 201, r#"{"message":"Account successfully created."}"#);
        assert_eq!(response.header("content-type"), "application/json");
        assert!(!response.has_header("set-cookie"));
    }

    #[tokio::test]
    async fn invalid_fields_return_400_with_their_names() {
        let app = TestApp::new();
        let (long, longest) = ("a".repeat(256), "a".repeat(255));
        let username_error = r#""username":["username is required"]"#;
        let password_error = r#""password":["password is required"]"#;
        for (body, errors) in [
            ("{}", format!("{username_error},{password_error}")),
            (r#"{"username":"john_doe"}"#, password_error.to_owned()),
            (r#"{"password":"P@ssw0rd!"}"#, username_error.to_owned()),
            (
                r#"{"username":"","password":"12345"}"#,
                r#""username":["username must not be empty"],"password":["password must be at least 6 characters long"]"#
                    .to_owned(),
            ),
            (
                r#"{"username":null,"password":123456}"#,
                r#""username":["username must be a string"],"password":["password must be a string"]"#.to_owned(),
            ),
            (
                &format!(r#"{{"username":"{long}","password":"{longest}"}}"#),
                r#""username":["username is too long"]"#.to_owned(),
            ),
            (
                &format!(r#"{{"username":"{longest}","password":"{long}"}}"#),
                r#""password":["password must be at most 255 characters long"]"#.to_owned(),
            ),
        ] {
            for path in ["/api/auth/register", "/api/auth/login"] {
                assert_response(&app.post(path, body).await, 400, &invalid(&errors));
            }
        }
    }

    #[tokio::test]
    async fn registering_twice_returns_409() {
        let app = JOHN_DOE.registered().await;
        for body in [JOHN, r#"{"username":"JOHN_DOE","password":"another one"}"#] {
            let response = app.post("/api/auth/register", body).await;
            assert_response(&response, 409, r#"{"message":"Account with given username already exists."}"#);
        }
    }

    #[tokio::test]
    async fn logging_in_returns_200_with_the_token_and_the_user() {
        let response = JOHN_DOE.registered().await.post("/api/auth/login", JOHN).await;
        let token = token(&response);
        let body =
            format!(r#"{{"message":"Logged in successfully.","data":{{"token":"{token}","user":{USER}}}}}"#);
        assert_response(&response, 200, &body);
        assert!(response.cookie().starts_with("refresh_token=ref_"));
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_returns_401() {
        let app = JOHN_DOE.registered().await;
        for body in [
            r#"{"username":"john_doe","password":"wrong password"}"#,
            r#"{"username":"unknown","password":"P@ssw0rd!"}"#,
            r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let response = app.post("/api/auth/login", body).await;
            assert_response(&response, 401, BAD_CREDENTIALS);
            assert!(!response.has_header("set-cookie") && !response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_returns_200_with_a_new_token_and_cookie() {
        let (app, (first_token, first_cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let response = refresh(&app, &first_cookie).await;
        let token = token(&response);
        let body = format!(r#"{{"message":"Access token refreshed.","data":{{"token":"{token}"}}}}"#);
        assert_response(&response, 200, &body);
        assert_ne!(token, first_token);
        assert_ne!(response.cookie(), first_cookie);
    }

    #[tokio::test]
    async fn refreshing_without_a_valid_cookie_returns_401() {
        let (app, (access_token, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        assert_response(&app.call(Method::POST, "/api/auth/refresh").await, 401, BAD_REFRESH_TOKEN);
        for bad in ["", "refresh_token=", "refresh_token=nonsense", "refresh_token=ref_nonsense", "other=1"] {
            assert_response(&refresh(&app, bad).await, 401, BAD_REFRESH_TOKEN);
        }
        let an_access_token = format!("refresh_token={access_token}");
        assert_response(&refresh(&app, &an_access_token).await, 401, BAD_REFRESH_TOKEN);
        let in_the_body = format!(r#"{{"refresh_token":"{}"}}"#, &cookie["refresh_token=".len()..]);
        assert_response(&app.post("/api/auth/refresh", &in_the_body).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn logging_out_returns_200_and_ends_the_session() {
        let (app, (token, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let bearer = format!("Bearer {token}");
        let headers = [("cookie", cookie.as_str()), ("authorization", bearer.as_str())];
        let response = app.send_with_headers(Method::POST, "/api/auth/logout", &headers, None).await;
        assert_response(&response, 200, r#"{"message":"Logged out successfully."}"#);
        assert_response(&refresh(&app, &cookie).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&app.get("/api/user", Some(&token)).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn user_endpoint_returns_the_user_of_the_token() {
        let (app, (token, _)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let response = app.get("/api/user", Some(&token)).await;
        assert_response(&response, 200, &format!(r#"{{"message":"User details retrieved.","data":{USER}}}"#));
    }

    #[tokio::test]
    async fn internal_error_returns_500() {
        for endpoint in [Endpoint::Register, Endpoint::LogIn, Endpoint::LogOut] {
            let response = Cookie.render(&Failure::Internal("cause".into()), Some(endpoint));
            assert_response(&TestResponse::of(response), 500, TRY_LATER);
        }
    }
}

mod undocumented {
    use super::*;

    #[tokio::test]
    async fn body_without_a_json_object_returns_400_without_fields() {
        let app = TestApp::new();
        for path in ["/api/auth/register", "/api/auth/login"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"username":"a","username":"b"}"#] {
                assert_response(&app.post(path, body).await, 400, &invalid(""));
            }
        }
    }

    #[tokio::test]
    async fn refresh_ignores_the_body() {
        let (app, (_, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let headers = [("cookie", cookie.as_str()), ("content-type", "text/plain")];
        let response = app.send_with_headers(Method::POST, "/api/auth/refresh", &headers, Some("{")).await;
        assert_eq!(response.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn username_with_a_control_character_is_rejected() {
        let body = r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#;
        let response = TestApp::new().post("/api/auth/register", body).await;
        let errors = r#""username":["username contains a character that is not allowed"]"#;
        assert_response(&response, 400, &invalid(errors));
    }

    #[tokio::test]
    async fn limits_of_username_and_password_length_are_inclusive() {
        let app = TestApp::new();
        for (username, password) in
            [("\u{1f600}".repeat(255), "123456".to_owned()), ("b".into(), "\u{e4}".repeat(255))]
        {
            let body = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
            assert_eq!(app.post("/api/auth/register", &body).await.status, StatusCode::CREATED);
            assert_eq!(app.post("/api/auth/login", &body).await.status, StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn min_length_setting_applies_at_register_but_not_at_login() {
        let body = r#"{"username":"john_doe","password":"1234567"}"#;
        let app = TestApp::new();
        assert_eq!(app.post("/api/auth/register", body).await.status, StatusCode::CREATED);
        let app = app.with_settings(|settings| settings.min_password_length = Some(12));
        let errors = r#""password":["password must be at least 12 characters long"]"#;
        assert_response(&app.post("/api/auth/register", body).await, 400, &invalid(errors));
        assert_eq!(app.post("/api/auth/login", body).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn account_of_another_dialect_logs_in_by_either_identifier() {
        let app = TestApp::new();
        let jane = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        assert_eq!(app.post("/v1/auth/register", jane).await.status, StatusCode::CREATED);
        for name in ["jane", "jane@example.com", "JANE"] {
            let body = format!(r#"{{"username":"{name}","password":"P@ssw0rd!"}}"#);
            let response = app.post("/api/auth/login", &body).await;
            assert_eq!(response.status, StatusCode::OK);
            assert!(response.body.contains(r#""username":"jane","#), "{}", response.body);
        }
    }

    #[tokio::test]
    async fn unknown_members_are_ignored() {
        let body = r#"{"username":"a","password":"P@ssw0rd!","id":7,"joined":"2001-01-01T00:00:00Z"}"#;
        let app = TestApp::new();
        assert_eq!(app.post("/api/auth/register", body).await.status, StatusCode::CREATED);
        assert!(app.post("/api/auth/login", body).await.body.contains(r#""id":1,"#));
    }

    #[tokio::test]
    async fn user_endpoint_returns_401_without_a_valid_token() {
        let (app, (token, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let by_cookie = app.send_with_headers(Method::GET, "/api/user", &[("cookie", &cookie)], None).await;
        for missing in [app.get("/api/user", None).await, by_cookie] {
            assert_response(&missing, 401, BAD_ACCESS_TOKEN);
            assert_eq!(missing.header("www-authenticate"), "Bearer");
        }
        let invalid = app.get("/api/user", Some("nonsense")).await;
        assert_response(&invalid, 401, BAD_ACCESS_TOKEN);
        assert_eq!(invalid.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        let twice = app.get_with_bearers("/api/user", &[&token, &token]).await;
        assert_response(&twice, 400, r#"{"message":"Bad request."}"#);
    }

    #[tokio::test]
    async fn other_content_types_return_415() {
        let response = JOHN_DOE.registered().await.post_as("text/plain", "/api/auth/login", JOHN).await;
        assert_response(&response, 415, r#"{"message":"Unsupported media type."}"#);
    }

    #[tokio::test]
    async fn other_methods_return_405_with_the_allow_header() {
        let app = TestApp::new();
        for (method, path, allow) in [
            (Method::GET, "/api/auth/login", "POST"),
            (Method::GET, "/api/auth/refresh", "POST"),
            (Method::DELETE, "/api/auth/logout", "POST"),
            (Method::OPTIONS, "/api/auth/register", "POST"),
            (Method::PUT, "/api/user", "GET, HEAD"),
        ] {
            let response = app.call(method, path).await;
            assert_response(&response, 405, r#"{"message":"Method not allowed."}"#);
            assert_eq!(response.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn body_over_16_kib_returns_413() {
        let body = format!(r#"{{"username":"{}"}}"#, "a".repeat(16 * 1024));
        let response = TestApp::new().post("/api/auth/login", &body).await;
        assert_response(&response, 413, r#"{"message":"Payload too large."}"#);
    }

    #[tokio::test]
    async fn unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let app = TestApp::new();
        for path in ["/api", "/api/auth", "/api/auth/login/", "/api/auth/user", "/api/users"] {
            assert_response(&app.get(path, None).await, 404, r#"{"message":"Not found."}"#);
        }
    }

    #[tokio::test]
    async fn full_queue_returns_503_with_retry_after() {
        let app = JOHN_DOE.registered().await;
        app.ports.hasher.set_overloaded(true);
        let response = app.post("/api/auth/login", JOHN).await;
        assert_response(&response, 503, TRY_LATER);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_has_the_dialects_error_format() {
        let field = FieldError { field: "password".into(), message: "is required".to_owned() };
        for (failure, status) in [
            (Failure::MalformedBody, 400),
            (Failure::MalformedHeader, 400),
            (Failure::InvalidFields(vec![field]), 400),
            (Failure::MissingToken, 401),
            (Failure::InvalidToken, 401),
            (Failure::InvalidCredentials, 401),
            (Failure::InvalidRefreshToken, 401),
            (Failure::ReplayedRefreshToken(SessionId(Uuid::from_u128(1))), 401),
            (Failure::InvalidApiKey, 401),
            (Failure::Forbidden, 403),
            (Failure::CrossSite(CrossSite::Null), 403),
            (Failure::UnknownUser, 404),
            (Failure::UnknownPath, 404),
            (Failure::MethodNotAllowed(vec![Method::GET]), 405),
            (Failure::BodyTimeout, 408),
            (Failure::Taken(IdentifierKind::Email), 409),
            (Failure::BodyTooLarge, 413),
            (Failure::UnsupportedMediaType, 415),
            (Failure::Internal("cause".into()), 500),
            (Failure::Unavailable("cause".into()), 503),
        ] {
            for endpoint in [None, Some(Endpoint::Register), Some(Endpoint::LogOut)] {
                let response = TestResponse::of(Cookie.render(&failure, endpoint));
                assert_eq!(response.status.as_u16(), status, "{failure:?}");
                let message = response.member("message");
                let errors = match &failure {
                    Failure::MalformedBody => r#","errors":{}"#,
                    Failure::InvalidFields(_) => r#","errors":{"password":["password is required"]}"#,
                    _ => "",
                };
                assert_eq!(response.body, format!(r#"{{"message":"{message}"{errors}}}"#));
                assert!(!response.body.contains("cause"), "only the log contains the cause");
            }
        }
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn session_expires_after_two_idle_weeks() {
        let (app, (_, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        assert_response(&refresh(&app, &cookie).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn cookie_renews_an_expired_access_token() {
        let (app, (token, cookie)) = JOHN_DOE.logged_in(token_and_cookie).await;
        app.ports.clock.advance(Duration::from_secs(906));
        assert_response(&app.get("/api/user", Some(&token)).await, 401, BAD_ACCESS_TOKEN);
        let response = refresh(&app, &cookie).await;
        let renewed = super::token(&response);
        assert_eq!(app.get("/api/user", Some(&renewed)).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn retry_after_a_lost_response_gets_the_same_token() {
        let (app, (_, first)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let lost = refresh(&app, &first).await;
        app.ports.clock.advance(Duration::from_secs(9));
        let again = refresh(&app, &first).await;
        assert_eq!((again.status, again.cookie()), (StatusCode::OK, lost.cookie()));
    }

    #[tokio::test]
    async fn retry_gets_the_current_cookie_however_often_it_rotated() {
        let (app, (_, first)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let second = refresh(&app, &first).await.cookie().to_owned();
        let third = refresh(&app, &second).await.cookie().to_owned();
        app.ports.clock.advance(Duration::from_secs(9));
        for cookie in [&first, &second] {
            assert_eq!(refresh(&app, cookie).await.cookie(), third);
        }
    }

    #[tokio::test]
    async fn replayed_cookie_ends_only_its_own_session() {
        let (app, (token, first)) = JOHN_DOE.logged_in(token_and_cookie).await;
        let other = app.post("/api/auth/login", JOHN).await.cookie().to_owned();
        let second = refresh(&app, &first).await.cookie().to_owned();
        app.ports.clock.advance(Duration::from_secs(11));
        assert_response(&refresh(&app, &first).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&refresh(&app, &second).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&app.get("/api/user", Some(&token)).await, 401, BAD_ACCESS_TOKEN);
        assert_eq!(refresh(&app, &other).await.status, StatusCode::OK);
    }
}
