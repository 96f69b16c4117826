//! The dialect `token_pair`, byte for byte, over the adapters in memory: every example of its document, then what the
//! document leaves open. All dialects are served, as by default; who answers at the paths that this one shares is
//! proven in `shared_paths.rs`.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, token_pair::TokenPair};
use auth_http::failure::{Failure, FieldError};
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

/// 200, and a body with exactly the members of a token pair.
fn assert_is_a_pair(response: &TestResponse) {
    let Tokens { access, refresh } = read_tokens(response);
    let body = format!(r#"{{"accessToken":"{access}","refreshToken":"{refresh}","tokenType":"bearer"}}"#);
    assert_response(response, 200, &body);
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_says_201_with_the_profile() {
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
    async fn registering_without_a_display_name_says_201_with_null() {
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
    async fn registering_a_second_time_says_400() {
        let app = JANE_DOE.registered().await;
        for email in ["jane.doe@example.com", "Jane.Doe@EXAMPLE.com"] {
            let body = format!(r#"{{"email":"{email}","password":"securePassword123!"}}"#);
            let response = app.post("/api/v1/auth/register", &body).await;
            assert_response(&response, 400, r#"{"error":"Email already registered"}"#);
        }
    }

    #[tokio::test]
    async fn registering_with_invalid_input_says_400_and_what_is_wrong() {
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
    async fn registering_logs_nobody_in() {
        let response = TestApp::new().post("/api/v1/auth/register", JANE).await;
        assert!(!response.body.to_lowercase().contains("token"));
    }

    #[tokio::test]
    async fn logging_in_says_200_with_a_pair() {
        assert_is_a_pair(&JANE_DOE.registered().await.post("/api/v1/auth/login", JANES_LOGIN).await);
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_says_401() {
        let app = JANE_DOE.registered().await;
        for body in [
            r#"{"email":"jane.doe@example.com","password":"wrong"}"#,
            r#"{"email":"nobody@example.com","password":"securePassword123!"}"#,
            r#"{"email":"","password":""}"#,
            r#"{"email":"a\u0000b","password":"securePassword123!"}"#,
        ] {
            let response = app.post("/api/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid email or password"}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_says_200_with_a_new_pair() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let response = refresh(&app, &tokens.refresh).await;
        assert_is_a_pair(&response);
        let renewed = read_tokens(&response);
        assert_ne!(renewed.access, tokens.access);
        assert_ne!(renewed.refresh, tokens.refresh);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_says_401() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        for token in ["", "nonsense", "ref_nonsense", &tokens.access] {
            assert_response(&refresh(&app, token).await, 401, BAD_REFRESH_TOKEN);
        }
    }

    #[tokio::test]
    async fn me_says_200_with_the_profile() {
        let app = TestApp::new();
        let registered = app.post("/api/v1/auth/register", JANE).await;
        let tokens = read_tokens(&app.post("/api/v1/auth/login", JANES_LOGIN).await);
        assert_response(&me(&app, &tokens.access).await, 200, &registered.body);
    }

    #[tokio::test]
    async fn me_says_401_without_a_token_and_with_a_bad_one() {
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

mod left_open {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_no_json_object_is_a_bad_request_everywhere() {
        let app = TestApp::new();
        for path in ["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/refresh"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"email":1,"email":2}"#] {
                let response = app.post(path, body).await;
                assert_response(&response, 400, r#"{"error":"Request body must be a JSON object"}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_wrongly_typed_members_at_login_and_refresh_are_named() {
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
    async fn a_user_logs_in_by_either_identifier_in_any_case() {
        let app = TestApp::new();
        let john = r#"{"username":"john_doe","email":"john@example.com","password":"P@ssw0rd!"}"#;
        assert_eq!(app.post("/v1/auth/register", john).await.status, StatusCode::CREATED);
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"email":"{identifier}","password":"P@ssw0rd!"}}"#);
            assert_is_a_pair(&app.post("/api/v1/auth/login", &body).await);
        }
    }

    #[tokio::test]
    async fn a_user_without_an_email_address_has_null() {
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
    async fn another_content_type_is_unsupported() {
        let app = JANE_DOE.registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let response = app.post_as(media_type, "/api/v1/auth/login", JANES_LOGIN).await;
            assert_response(&response, 415, r#"{"error":"Unsupported media type"}"#);
        }
    }

    #[tokio::test]
    async fn another_method_is_told_which_are_allowed() {
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
    async fn a_body_of_more_than_16_kib_is_too_large() {
        let app = TestApp::new();
        let token = |length: usize| "a".repeat(length - r#"{"refreshToken":""}"#.len());
        assert_response(&refresh(&app, &token(16 * 1024)).await, 401, BAD_REFRESH_TOKEN);
        let larger = refresh(&app, &token(16 * 1024 + 1)).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large"}"#);
    }

    #[tokio::test]
    async fn an_unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let app = TestApp::new().only("token_pair");
        for path in ["/api/v1/auth", "/api/v1/auth/login/", "/api/v1/auth/logout"] {
            assert_response(&app.get(path, None).await, 404, r#"{"error":"Not found"}"#);
        }
    }

    #[tokio::test]
    async fn two_authorization_lines_are_a_bad_request() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let tokens: [&str; 2] = [&tokens.access, &tokens.access];
        let response = app.get_with_bearers("/api/v1/auth/me", &tokens).await;
        assert_response(&response, 400, r#"{"error":"Malformed request header"}"#);
    }

    #[tokio::test]
    async fn a_full_queue_is_503_with_retry_after_and_never_401() {
        let app = JANE_DOE.registered().await;
        app.ports.hasher.set_overloaded(true);
        let response = app.post("/api/v1/auth/login", JANES_LOGIN).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable"}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_is_worded_in_the_dialects_envelope() {
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
            (Failure::CrossSite, 403),
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
                assert!(!response.body.contains("cause"), "a cause is for the log");
            }
        }
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn both_tokens_of_a_new_pair_serve() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let renewed = read_tokens(&refresh(&app, &tokens.refresh).await);
        assert_eq!(me(&app, &renewed.access).await.status, StatusCode::OK);
        assert_is_a_pair(&refresh(&app, &renewed.refresh).await);
    }

    #[tokio::test]
    async fn an_access_token_serves_for_15_minutes() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(899));
        assert_eq!(me(&app, &tokens.access).await.status, StatusCode::OK);
        app.ports.clock.advance(Duration::from_secs(7));
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
        assert_is_a_pair(&refresh(&app, &tokens.refresh).await);
    }

    #[tokio::test]
    async fn an_access_token_opens_the_protected_resource_and_a_refresh_token_does_not() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        for (token, status) in [(&tokens.access, 200), (&tokens.refresh, 401)] {
            let response = app.get("/v1/protected/resource", Some(token)).await;
            assert_eq!(response.status.as_u16(), status);
        }
    }

    #[tokio::test]
    async fn a_session_that_was_idle_for_two_weeks_is_over() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        assert_response(&refresh(&app, &tokens.refresh).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn a_lost_answer_is_given_again() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        let first = read_tokens(&refresh(&app, &tokens.refresh).await);
        app.ports.clock.advance(Duration::from_secs(9));
        let again = read_tokens(&refresh(&app, &tokens.refresh).await);
        assert_eq!(again.refresh, first.refresh);
        assert_eq!(me(&app, &again.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_replayed_token_ends_its_session_and_no_other() {
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
    async fn a_suspended_user_is_answered_like_somebody_with_wrong_credentials() {
        let (app, tokens) = JANE_DOE.logged_in(read_tokens).await;
        app.suspend("jane.doe@example.com").await;
        let login = app.post("/api/v1/auth/login", JANES_LOGIN).await;
        assert_response(&login, 401, r#"{"error":"Invalid email or password"}"#);
        assert_response(&refresh(&app, &tokens.refresh).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn a_refresh_token_of_another_dialect_refreshes_nothing() {
        let (app, _) = JANE_DOE.logged_in(read_tokens).await;
        let login = r#"{"username":"jane.doe@example.com","password":"securePassword123!"}"#;
        let login = app.post("/api/v1/auth/login", login).await;
        let token = login.member("refresh_token");
        assert_response(&refresh(&app, &token).await, 401, BAD_REFRESH_TOKEN);
    }
}
