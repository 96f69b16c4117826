//! The dialect `single_token` over in-memory adapters. The tests compare every documented example byte for byte, then
//! the behaviour that the document leaves open.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, single_token::SingleToken};
use auth_http::failure::Failure;
use auth_http::web_origin::CrossSite;
use support::{TestApp, TestResponse, TestUser, assert_response};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john_doe","email":"john@example.com","password":"P@ssw0rd!"}"#;
const JOHNS_LOGIN: &str = r#"{"email":"john@example.com","password":"P@ssw0rd!"}"#;

const JOHN_DOE: TestUser =
    TestUser { registration: ("/v1/auth/register", JOHN), login: ("/v1/auth/login", JOHNS_LOGIN) };

fn access_token(response: &TestResponse) -> String {
    response.member("acc_token")
}

fn refresh_body(token: &str) -> String {
    format!(r#"{{"ref_token":"{token}"}}"#)
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_returns_201() {
        let response = TestApp::new().post("/v1/auth/register", JOHN).await;
        assert_response(&response, 201, r#"{"message":"User registered successfully."}"#);
        assert_eq!(response.header("content-type"), "application/json");
    }

    #[tokio::test]
    async fn registering_with_invalid_input_returns_400() {
        let app = TestApp::new();
        for body in [
            "{}",
            r#"{"username":"john_doe","email":"john@example.com"}"#,
            r#"{"username":"john_doe","password":"P@ssw0rd!"}"#,
            r#"{"email":"john@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"","email":"john@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"a\u0000b","email":"john@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","email":"john","password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","email":"john@example.com","password":"1234567"}"#,
            r#"{"username":1,"email":"john@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","email":null,"password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","email":"john@example.com","password":["P@ssw0rd!"]}"#,
        ] {
            let response = app.post("/v1/auth/register", body).await;
            assert_response(&response, 400, r#"{"error":"Invalid input data."}"#);
        }
    }

    #[tokio::test]
    async fn registering_twice_returns_409() {
        let app = JOHN_DOE.registered().await;
        for body in [
            JOHN,
            r#"{"username":"JOHN_DOE","email":"other@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"other","email":"John@Example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"john@example.com","email":"other@example.com","password":"P@ssw0rd!"}"#,
        ] {
            let response = app.post("/v1/auth/register", body).await;
            assert_response(&response, 409, r#"{"error":"User already exists."}"#);
        }
    }

    #[tokio::test]
    async fn logging_in_returns_200_with_one_token() {
        let response = JOHN_DOE.registered().await.post("/v1/auth/login", JOHNS_LOGIN).await;
        let token = response.member("acc_token");
        assert_response(&response, 200, &format!(r#"{{"acc_token":"{token}"}}"#));
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_returns_401() {
        let app = JOHN_DOE.registered().await;
        for body in [
            r#"{"email":"john@example.com","password":"wrong"}"#,
            r#"{"email":"unknown@example.com","password":"P@ssw0rd!"}"#,
            r#"{"email":"","password":""}"#,
            r#"{"email":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let response = app.post("/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid credentials."}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_returns_200_with_a_new_token() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let response = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        let renewed = response.member("token");
        assert_response(&response, 200, &format!(r#"{{"token":"{renewed}"}}"#));
        assert_ne!(renewed, token);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_returns_401() {
        let app = JOHN_DOE.registered().await;
        for token in ["", "nonsense", "a.b.c", "ref_nonsense"] {
            let response = app.post("/v1/auth/refresh", &refresh_body(token)).await;
            assert_response(&response, 401, r#"{"error":"Invalid token."}"#);
        }
    }

    #[tokio::test]
    async fn protected_resource_returns_200_with_a_valid_token() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let response = app.get("/v1/protected/resource", Some(&token)).await;
        assert_response(&response, 200, r#"{"data":"protected data"}"#);
    }

    #[tokio::test]
    async fn protected_resource_returns_401_without_a_valid_token() {
        let (app, _) = JOHN_DOE.logged_in(access_token).await;
        let missing = app.get("/v1/protected/resource", None).await;
        assert_response(&missing, 401, r#"{"error":"Invalid or missing token."}"#);
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        let invalid = app.get("/v1/protected/resource", Some("nonsense")).await;
        assert_response(&invalid, 401, r#"{"error":"Invalid or missing token."}"#);
        assert_eq!(invalid.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }

    #[tokio::test]
    async fn common_errors_match_the_document() {
        for (failure, endpoint, status, body) in [
            (Failure::MalformedBody, Some(Endpoint::LogIn), 400, r#"{"error":"Bad request."}"#),
            (Failure::MissingToken, None, 401, r#"{"error":"Unauthorized."}"#),
            (Failure::Forbidden, Some(Endpoint::ProtectedResource), 403, r#"{"error":"Forbidden."}"#),
            (Failure::UnknownPath, None, 404, r#"{"error":"Not found."}"#),
            (
                Failure::Internal("cause".into()),
                Some(Endpoint::LogIn),
                500,
                r#"{"error":"Internal server error."}"#,
            ),
        ] {
            let response = SingleToken.render(&failure, endpoint);
            assert_response(&TestResponse::of(response), status, body);
        }
    }

    #[tokio::test]
    async fn example_flow_works_end_to_end() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        assert_eq!(app.get("/v1/protected/resource", Some(&token)).await.status, StatusCode::OK);
        let renewed = app.post("/v1/auth/refresh", &refresh_body(&token)).await.member("token");
        assert_eq!(app.get("/v1/protected/resource", Some(&renewed)).await.status, StatusCode::OK);
    }
}

mod undocumented {
    use super::*;

    #[tokio::test]
    async fn body_without_a_json_object_returns_400_everywhere() {
        let app = TestApp::new();
        for path in ["/v1/auth/register", "/v1/auth/login", "/v1/auth/refresh"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"email":1,"email":2}"#] {
                let response = app.post(path, body).await;
                assert_response(&response, 400, r#"{"error":"Bad request."}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_mistyped_members_return_400() {
        let app = JOHN_DOE.registered().await;
        for (path, body) in [
            ("/v1/auth/login", r#"{"email":"john@example.com"}"#),
            ("/v1/auth/login", r#"{"password":"P@ssw0rd!"}"#),
            ("/v1/auth/login", r#"{"email":"john@example.com","password":7}"#),
            ("/v1/auth/refresh", "{}"),
            ("/v1/auth/refresh", r#"{"ref_token":null}"#),
        ] {
            assert_response(&app.post(path, body).await, 400, r#"{"error":"Bad request."}"#);
        }
    }

    #[tokio::test]
    async fn unknown_members_are_ignored() {
        let body =
            r#"{"username":"a","email":"a@example.com","password":"P@ssw0rd!","roles":"admin","id":7}"#;
        assert_eq!(TestApp::new().post("/v1/auth/register", body).await.status, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn user_logs_in_by_either_identifier_in_any_case() {
        let app = JOHN_DOE.registered().await;
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"email":"{identifier}","password":"P@ssw0rd!"}}"#);
            assert_eq!(app.post("/v1/auth/login", &body).await.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn other_content_types_return_415() {
        let app = JOHN_DOE.registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let response = app.post_as(media_type, "/v1/auth/login", JOHNS_LOGIN).await;
            assert_response(&response, 415, r#"{"error":"Unsupported media type."}"#);
        }
    }

    #[tokio::test]
    async fn other_methods_return_405_with_the_allow_header() {
        let app = TestApp::new();
        for (method, path, allow) in [
            (Method::GET, "/v1/auth/login", "POST"),
            (Method::DELETE, "/v1/auth/register", "POST"),
            (Method::PUT, "/v1/auth/refresh", "POST"),
            (Method::POST, "/v1/protected/resource", "GET, HEAD"),
            (Method::OPTIONS, "/v1/protected/resource", "GET, HEAD"),
        ] {
            let response = app.call(method, path).await;
            assert_response(&response, 405, r#"{"error":"Method not allowed."}"#);
            assert_eq!(response.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn body_over_16_kib_returns_413() {
        let app = TestApp::new();
        let longest = 16 * 1024 - refresh_body("").len();
        let largest = app.post("/v1/auth/refresh", &refresh_body(&"a".repeat(longest))).await;
        assert_response(&largest, 401, r#"{"error":"Invalid token."}"#);
        let larger = app.post("/v1/auth/refresh", &refresh_body(&"a".repeat(longest + 1))).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large."}"#);
    }

    #[tokio::test]
    async fn unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let app = TestApp::new();
        for path in ["/v1", "/v1/", "/v1/auth", "/v1/auth/login/", "/v1/nothing"] {
            let response = app.get(path, None).await;
            assert_response(&response, 404, r#"{"error":"Not found."}"#);
        }
    }

    #[tokio::test]
    async fn unknown_path_elsewhere_returns_problem_details() {
        let response = TestApp::new().get("/v12/auth", None).await;
        assert_response(&response, 404, r#"{"type":"about:blank","title":"Not Found","status":404}"#);
        assert_eq!(response.header("content-type"), "application/problem+json");
    }

    #[tokio::test]
    async fn two_authorization_headers_return_400() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let response = app.get_with_bearers("/v1/protected/resource", &[&token, &token]).await;
        assert_response(&response, 400, r#"{"error":"Bad request."}"#);
    }

    #[tokio::test]
    async fn token_in_the_query_is_ignored() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let path = format!("/v1/protected/resource?access_token={token}");
        assert_eq!(app.get(&path, None).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn full_queue_returns_503_with_retry_after() {
        let app = JOHN_DOE.registered().await;
        app.ports.hasher.set_overloaded(true);
        let response = app.post("/v1/auth/login", JOHNS_LOGIN).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable."}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_has_the_dialects_error_format() {
        let session = SessionId(Uuid::from_u128(1));
        for (failure, status) in [
            (Failure::MalformedBody, 400),
            (Failure::MalformedHeader, 400),
            (Failure::InvalidFields(Vec::new()), 400),
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
            (Failure::Taken(IdentifierKind::Email), 409),
            (Failure::BodyTooLarge, 413),
            (Failure::UnsupportedMediaType, 415),
            (Failure::Internal("cause".into()), 500),
            (Failure::Unavailable("cause".into()), 503),
        ] {
            for endpoint in [None, Some(Endpoint::Register), Some(Endpoint::ProtectedResource)] {
                let response = TestResponse::of(SingleToken.render(&failure, endpoint));
                assert_eq!(response.status.as_u16(), status, "{failure:?}");
                assert_eq!(response.body, format!(r#"{{"error":"{}"}}"#, response.member("error")));
                assert!(!response.body.contains("cause"), "only the log contains the cause");
            }
        }
    }

    #[tokio::test]
    async fn protected_resource_can_require_a_role() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let app = app.with_required_role("admin");
        let response = app.get("/v1/protected/resource", Some(&token)).await;
        assert_response(&response, 403, r#"{"error":"Forbidden."}"#);
        app.give_role("john_doe", "admin").await;
        let response = app.get("/v1/protected/resource", Some(&token)).await;
        assert_response(&response, 401, r#"{"error":"Invalid or missing token."}"#);
        let token = app.post("/v1/auth/login", JOHNS_LOGIN).await.member("acc_token");
        let response = app.get("/v1/protected/resource", Some(&token)).await;
        assert_response(&response, 200, r#"{"data":"protected data"}"#);
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn expired_token_is_rejected_but_still_refreshes() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        app.ports.clock.advance(Duration::from_secs(906));
        let response = app.get("/v1/protected/resource", Some(&token)).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        let response = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_eq!(response.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn session_expires_after_two_idle_weeks() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        let response = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_response(&response, 401, r#"{"error":"Invalid token."}"#);
    }

    #[tokio::test]
    async fn retry_after_a_lost_response_gets_the_same_token() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let first = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        app.ports.clock.advance(Duration::from_secs(9));
        let again = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_eq!(again.body, first.body);
    }

    #[tokio::test]
    async fn retry_gets_the_current_token_however_often_it_rotated() {
        let (app, first) = JOHN_DOE.logged_in(access_token).await;
        let second = app.post("/v1/auth/refresh", &refresh_body(&first)).await.member("token");
        let third = app.post("/v1/auth/refresh", &refresh_body(&second)).await;
        app.ports.clock.advance(Duration::from_secs(9));
        for token in [&first, &second] {
            assert_response(&app.post("/v1/auth/refresh", &refresh_body(token)).await, 200, &third.body);
        }
    }

    #[tokio::test]
    async fn replayed_token_ends_only_its_own_session() {
        let (app, token) = JOHN_DOE.logged_in(access_token).await;
        let other = app.post("/v1/auth/login", JOHNS_LOGIN).await.member("acc_token");
        let renewed = app.post("/v1/auth/refresh", &refresh_body(&token)).await.member("token");
        app.ports.clock.advance(Duration::from_secs(11));
        let replay = app.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_response(&replay, 401, r#"{"error":"Invalid token."}"#);
        for ended in [&token, &renewed] {
            let response = app.get("/v1/protected/resource", Some(ended)).await;
            assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(app.get("/v1/protected/resource", Some(&other)).await.status, StatusCode::OK);
    }
}
