//! The dialect `token_pair` over in-memory adapters. The tests compare every documented example byte for byte, then the
//! behaviour that the document leaves open. All dialects are enabled; `shared_paths.rs` tests the paths they share.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, token_pair::TokenPair};
use auth_http::failure::{Failure, FieldError};
use auth_http::web_origin::CrossSite;
use support::{TestApp, TestResponse, TestUser, Tokens, assert_response};
use uuid::Uuid;

const JANE: &str =
    r#"{"email":"jane.doe@example.com","password":"securePassword123!","displayName":"Jane Doe"}"#;
const JANES_LOGIN: &str = r#"{"email":"jane.doe@example.com","password":"securePassword123!"}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"error":"Invalid or expired refresh token, or user is inactive"}"#;
const BAD_ACCESS_TOKEN: &str = r#"{"error":"Token is missing or invalid"}"#;

const JANE_DOE: TestUser =
    TestUser { registration: ("/api/v1/auth/register", JANE), login: ("/api/v1/auth/login", JANES_LOGIN) };

fn read_tokens(response: &TestResponse) -> Tokens {
    Tokens { access: response.member("accessToken"), refresh: response.member("refreshToken") }
}

async fn refresh(app: &TestApp, token: &str) -> TestResponse {
    app.post("/api/v1/auth/refresh", &format!(r#"{{"refreshToken":"{token}"}}"#)).await
}

async fn me(app: &TestApp, token: &str) -> TestResponse {
    app.get("/api/v1/auth/me", Some(token)).await
}

/// Asserts 200 and a body with exactly the members of a token pair.
fn assert_token_pair(response: &TestResponse) {
    let Tokens { access, refresh } = read_tokens(response);
    let body = format!(r#"{{"accessToken":"{access}","refreshToken":"{refresh}","tokenType":"bearer"}}"#);
    assert_response(response, 200, &body);
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_returns_201_with_the_profile() {
        let response = TestApp::new().post("/api/v1/auth/register", JANE).await;
        let id = response.member("id");
        assert_eq!(Uuid::parse_str(&id).expect("a UUID").get_version_num(), 7);
        let body = format!(
            r#"{{"id":"{id}","email":"jane.doe@example.com","displayName":"Jane Doe","isActive":true,"isVerified":false}}"#
        );
        assert_response(&response, 201, &body);
        assert_eq!(response.header("content-type"), "application/json");
    }

    #[tokio::test]
    async fn registering_without_a_display_name_returns_null() {
        for body in [
            r#"{"email":"jane.doe@example.com","password":"12345678"}"#,
            r#"{"email":"jane.doe@example.com","password":"12345678","displayName":null}"#,
        ] {
            let response = TestApp::new().post("/api/v1/auth/register", body).await;
            let id = response.member("id");
            let body = format!(
                r#"{{"id":"{id}","email":"jane.doe@example.com","displayName":null,"isActive":true,"isVerified":false}}"#
            );
            assert_response(&response, 201, &body);
        }
    }

    #[tokio::test]
    async fn registering_twice_returns_400() {
        let app = JANE_DOE.registered().await;
        for email in ["jane.doe@example.com", "Jane.Doe@EXAMPLE.com"] {
            let body = format!(r#"{{"email":"{email}","password":"securePassword123!"}}"#);
            let response = app.post("/api/v1/auth/register", &body).await;
            assert_response(&response, 400, r#"{"error":"Email already registered"}"#);
        }
    }

    #[tokio::test]
    async fn registering_with_invalid_input_returns_400_with_reasons() {
        let app = TestApp::new();
        for (body, error) in [
            ("{}", "email is required; password is required"),
            (r#"{"email":"jane.doe@example.com"}"#, "password is required"),
            (r#"{"password":"securePassword123!"}"#, "email is required"),
            (r#"{"email":"jane","password":"12345678"}"#, "email must be a valid e-mail address"),
            (r#"{"email":null,"password":"12345678"}"#, "email must be a string"),
            (
                r#"{"email":"jane.doe@example.com","password":"1234567"}"#,
                "password must be at least 8 characters long",
            ),
            (r#"{"email":"jane.doe@example.com","password":12345678}"#, "password must be a string"),
            (
                r#"{"email":"jane.doe@example.com","password":"12345678","displayName":7}"#,
                "displayName must be a string",
            ),
            (
                r#"{"email":"jane.doe@example.com","password":"12345678","displayName":"a\u0000b"}"#,
                "displayName must be 1 to 255 characters long, without control characters",
            ),
        ] {
            let response = app.post("/api/v1/auth/register", body).await;
            assert_response(&response, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn registering_issues_no_tokens() {
        let response = TestApp::new().post("/api/v1/auth/register", JANE).await;
        assert!(!response.body.to_lowercase().contains("token"));
    }

    #[tokio::test]
    async fn logging_in_returns_200_with_a_token_pair() {
        assert_token_pair(&JANE_DOE.registered().await.post("/api/v1/auth/login", JANES_LOGIN).await);
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_returns_401() {
        let app = JANE_DOE.registered().await;
        for body in [
            r#"{"email":"jane.doe@example.com","password":"wrong"}"#,
            r#"{"email":"unknown@example.com","password":"securePassword123!"}"#,
            r#"{"email":"","password":""}"#,
            r#"{"email":"a\u0000b","password":"securePassword123!"}"#,
        ] {
            let response = app.post("/api/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid email or password"}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_returns_200_with_a_new_token_pair() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let response = refresh(&app, &tokens.refresh).await;
        assert_token_pair(&response);
        let renewed = read_tokens(&response);
        assert_ne!(renewed.access, tokens.access);
        assert_ne!(renewed.refresh, tokens.refresh);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_returns_401() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        for token in ["", "nonsense", "ref_nonsense", &tokens.access] {
            assert_response(&refresh(&app, token).await, 401, BAD_REFRESH_TOKEN);
        }
    }

    #[tokio::test]
    async fn me_returns_200_with_the_profile() {
        let app = TestApp::new();
        let registered = app.post("/api/v1/auth/register", JANE).await;
        let tokens = read_tokens(&app.post("/api/v1/auth/login", JANES_LOGIN).await);
        assert_response(&me(&app, &tokens.access).await, 200, &registered.body);
    }

    #[tokio::test]
    async fn me_returns_401_without_a_valid_token() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let missing = app.get("/api/v1/auth/me", None).await;
        assert_response(&missing, 401, BAD_ACCESS_TOKEN);
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        for token in ["nonsense", &tokens.refresh] {
            let invalid = me(&app, token).await;
            assert_response(&invalid, 401, BAD_ACCESS_TOKEN);
            assert_eq!(invalid.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        }
    }
}

mod undocumented {
    use super::*;

    #[tokio::test]
    async fn body_without_a_json_object_returns_400_everywhere() {
        let app = TestApp::new();
        for path in ["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/refresh"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"email":1,"email":2}"#] {
                let response = app.post(path, body).await;
                assert_response(&response, 400, r#"{"error":"Request body must be a JSON object"}"#);
            }
        }
    }

    #[tokio::test]
    async fn login_and_refresh_name_missing_and_mistyped_members() {
        let app = JANE_DOE.registered().await;
        for (path, body, error) in [
            ("login", r#"{"email":"jane.doe@example.com"}"#, "password is required"),
            ("login", r#"{"email":7,"password":null}"#, "email must be a string; password must be a string"),
            ("refresh", r#"{"refreshToken":null}"#, "refreshToken must be a string"),
        ] {
            let response = app.post(&format!("/api/v1/auth/{path}"), body).await;
            assert_response(&response, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn unknown_members_are_ignored() {
        let body = r#"{"email":"a@example.com","password":"12345678","isVerified":true,"roles":"admin"}"#;
        let response = TestApp::new().post("/api/v1/auth/register", body).await;
        assert_eq!(response.status, StatusCode::CREATED);
        assert!(response.body.contains(r#""isVerified":false"#));
    }

    #[tokio::test]
    async fn user_logs_in_by_either_identifier_in_any_case() {
        let app = TestApp::new();
        let john = r#"{"username":"john_doe","email":"john@example.com","password":"P@ssw0rd!"}"#;
        assert_eq!(app.post("/v1/auth/register", john).await.status, StatusCode::CREATED);
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"email":"{identifier}","password":"P@ssw0rd!"}}"#);
            assert_token_pair(&app.post("/api/v1/auth/login", &body).await);
        }
    }

    #[tokio::test]
    async fn absent_email_address_is_null() {
        let app = TestApp::new();
        let john = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
        let registered = app.post("/api/v1/auth/register", john).await;
        assert_eq!(registered.status, StatusCode::CREATED);
        let login = r#"{"email":"john_doe","password":"P@ssw0rd!"}"#;
        let tokens = read_tokens(&app.post("/api/v1/auth/login", login).await);
        let response = me(&app, &tokens.access).await;
        assert!(response.body.contains(r#""email":null,"displayName":null"#), "{}", response.body);
    }

    #[tokio::test]
    async fn other_content_types_return_415() {
        let app = JANE_DOE.registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let response = app.post_as(media_type, "/api/v1/auth/login", JANES_LOGIN).await;
            assert_response(&response, 415, r#"{"error":"Unsupported media type"}"#);
        }
    }

    #[tokio::test]
    async fn other_methods_return_405_with_the_allow_header() {
        let app = TestApp::new();
        for (method, path, allow) in [
            (Method::DELETE, "register", "POST"),
            (Method::GET, "login", "POST"),
            (Method::PUT, "refresh", "POST"),
            (Method::POST, "me", "GET, HEAD"),
        ] {
            let response = app.call(method, &format!("/api/v1/auth/{path}")).await;
            assert_response(&response, 405, r#"{"error":"Method not allowed"}"#);
            assert_eq!(response.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn body_over_16_kib_returns_413() {
        let app = TestApp::new();
        let longest = 16 * 1024 - r#"{"refreshToken":""}"#.len();
        assert_response(&refresh(&app, &"a".repeat(longest)).await, 401, BAD_REFRESH_TOKEN);
        let larger = refresh(&app, &"a".repeat(longest + 1)).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large"}"#);
    }

    #[tokio::test]
    async fn unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let app = TestApp::new().only("token_pair");
        for path in ["/api/v1/auth", "/api/v1/auth/login/", "/api/v1/auth/logout"] {
            assert_response(&app.get(path, None).await, 404, r#"{"error":"Not found"}"#);
        }
    }

    #[tokio::test]
    async fn two_authorization_headers_return_400() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let tokens: [&str; 2] = [&tokens.access, &tokens.access];
        let response = app.get_with_bearers("/api/v1/auth/me", &tokens).await;
        assert_response(&response, 400, r#"{"error":"Malformed request header"}"#);
    }

    #[tokio::test]
    async fn full_queue_returns_503_with_retry_after() {
        let app = JANE_DOE.registered().await;
        app.ports.hasher.set_overloaded(true);
        let response = app.post("/api/v1/auth/login", JANES_LOGIN).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable"}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_has_the_dialects_error_format() {
        let session = SessionId(Uuid::from_u128(1));
        let error = FieldError { field: "email".into(), message: "is required".to_owned() };
        for (failure, status) in [
            (Failure::MalformedBody, 400),
            (Failure::MalformedHeader, 400),
            (Failure::InvalidFields(vec![error]), 400),
            (Failure::Taken(IdentifierKind::Email), 400),
            (Failure::Taken(IdentifierKind::Username), 400),
            (Failure::MissingToken, 401),
            (Failure::InvalidToken, 401),
            (Failure::InvalidCredentials, 401),
            (Failure::InvalidRefreshToken, 401),
            (Failure::ReplayedRefreshToken(session), 401),
            (Failure::InvalidApiKey, 401),
            (Failure::Forbidden, 403),
            (Failure::CrossSite(CrossSite::Null), 403),
            (Failure::UnknownUser, 404),
            (Failure::UnknownPath, 404),
            (Failure::MethodNotAllowed(vec![Method::GET]), 405),
            (Failure::BodyTimeout, 408),
            (Failure::BodyTooLarge, 413),
            (Failure::UnsupportedMediaType, 415),
            (Failure::Internal("cause".into()), 500),
            (Failure::Unavailable("cause".into()), 503),
        ] {
            for endpoint in [None, Some(Endpoint::Register), Some(Endpoint::Me)] {
                let response = TestResponse::of(TokenPair.render(&failure, endpoint));
                assert_eq!(response.status.as_u16(), status, "{failure:?}");
                assert_eq!(response.body, format!(r#"{{"error":"{}"}}"#, response.member("error")));
                assert!(!response.body.contains("cause"), "only the log contains the cause");
            }
        }
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn both_tokens_of_a_new_pair_are_valid() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let renewed = read_tokens(&refresh(&app, &tokens.refresh).await);
        assert_eq!(me(&app, &renewed.access).await.status, StatusCode::OK);
        assert_token_pair(&refresh(&app, &renewed.refresh).await);
    }

    #[tokio::test]
    async fn access_token_is_valid_for_15_minutes() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(899));
        assert_eq!(me(&app, &tokens.access).await.status, StatusCode::OK);
        app.ports.clock.advance(Duration::from_secs(7));
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
        assert_token_pair(&refresh(&app, &tokens.refresh).await);
    }

    #[tokio::test]
    async fn protected_resource_accepts_only_access_tokens() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        for (token, status) in [(&tokens.access, 200), (&tokens.refresh, 401)] {
            let response = app.get("/v1/protected/resource", Some(token)).await;
            assert_eq!(response.status.as_u16(), status);
        }
    }

    #[tokio::test]
    async fn session_expires_after_two_idle_weeks() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        assert_response(&refresh(&app, &tokens.refresh).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn retry_after_a_lost_response_gets_the_same_token() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let first = read_tokens(&refresh(&app, &tokens.refresh).await);
        app.ports.clock.advance(Duration::from_secs(9));
        let again = read_tokens(&refresh(&app, &tokens.refresh).await);
        assert_eq!(again.refresh, first.refresh);
        assert_eq!(me(&app, &again.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn retry_gets_the_current_tokens_however_often_they_rotated() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let second = read_tokens(&refresh(&app, &tokens.refresh).await);
        let third = read_tokens(&refresh(&app, &second.refresh).await);
        app.ports.clock.advance(Duration::from_secs(9));
        for token in [&tokens.refresh, &second.refresh] {
            assert_eq!(read_tokens(&refresh(&app, token).await), third);
        }
    }

    #[tokio::test]
    async fn rotations_are_limited_to_16_within_the_window() {
        let (app, mut tokens) = JANE_DOE.logged_in(read_tokens).await;
        for _ in 0..16 {
            tokens = read_tokens(&refresh(&app, &tokens.refresh).await);
        }
        let limited = refresh(&app, &tokens.refresh).await;
        assert_response(&limited, 429, r#"{"error":"Too many requests"}"#);
        assert_eq!(limited.header("retry-after"), "10");
        assert_eq!(limited.header("ratelimit-policy"), r#""rotation";q=16;w=10"#);
        app.ports.clock.advance(Duration::from_secs(10));
        assert_token_pair(&refresh(&app, &tokens.refresh).await);
    }

    #[tokio::test]
    async fn replayed_token_ends_only_its_own_session() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let other = read_tokens(&app.post("/api/v1/auth/login", JANES_LOGIN).await);
        let renewed = read_tokens(&refresh(&app, &tokens.refresh).await);
        app.ports.clock.advance(Duration::from_secs(11));
        assert_response(&refresh(&app, &tokens.refresh).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&refresh(&app, &renewed.refresh).await, 401, BAD_REFRESH_TOKEN);
        assert_eq!(me(&app, &renewed.access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(me(&app, &other.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn suspended_user_gets_the_wrong_credentials_response() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.suspend("jane.doe@example.com").await;
        let login = app.post("/api/v1/auth/login", JANES_LOGIN).await;
        assert_response(&login, 401, r#"{"error":"Invalid email or password"}"#);
        assert_response(&refresh(&app, &tokens.refresh).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn access_token_of_any_dialect_does_not_refresh() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let single_token = app.post("/v1/auth/login", JANES_LOGIN).await.member("acc_token");
        for token in [&tokens.access, &single_token] {
            assert_response(&refresh(&app, token).await, 401, BAD_REFRESH_TOKEN);
            let response = app.get("/v1/protected/resource", Some(token)).await;
            assert_eq!(response.status, StatusCode::OK, "the session is live");
        }
    }

    #[tokio::test]
    async fn refresh_token_of_another_dialect_does_not_refresh() {
        let (app, _) = JANE_DOE.logged_in(read_tokens).await;
        let login = r#"{"username":"jane.doe@example.com","password":"securePassword123!"}"#;
        let login = app.post("/api/v1/auth/login", login).await;
        let token = login.member("refresh_token");
        assert_response(&refresh(&app, &token).await, 401, BAD_REFRESH_TOKEN);
    }
}
