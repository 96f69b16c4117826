//! The dialect `accounts` over in-memory adapters. The tests compare every documented example byte for byte, then the
//! behaviour that the document leaves open. All dialects are enabled; `shared_paths.rs` tests the paths they share.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{AuditDetail, AuditOutcome, DenialReason, IdentifierKind, Roles, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, accounts::Accounts};
use auth_http::failure::{Failure, FieldError};
use auth_http::web_origin::CrossSite;
use support::{TestApp, TestResponse, TestUser, Tokens, assert_response};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":"John Doe","email":"john@example.com","phone_number":"+84123456789","roles":"customer"}"#;
const JOHNS_LOGIN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"error":"Invalid or expired refresh token"}"#;
const BAD_ACCESS_TOKEN: &str = r#"{"error":"Token is missing or invalid"}"#;
const LOGGED_OUT: &str = r#"{"message":"Successfully logged out"}"#;

async fn register(app: &TestApp, body: &str) -> TestResponse {
    app.post("/api/v1/auth/register", body).await
}

const JOHN_DOE: TestUser =
    TestUser { registration: ("/api/v1/auth/register", JOHN), login: ("/api/v1/auth/login", JOHNS_LOGIN) };

fn read_tokens(response: &TestResponse) -> Tokens {
    Tokens { access: response.member("access_token"), refresh: response.member("refresh_token") }
}

async fn refresh(app: &TestApp, token: &str) -> TestResponse {
    app.post("/api/v1/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#)).await
}

async fn log_out(app: &TestApp, token: &str) -> TestResponse {
    app.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{token}"}}"#)).await
}

async fn me(app: &TestApp, token: &str) -> TestResponse {
    app.get("/api/v1/auth/me", Some(token)).await
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_returns_201_with_the_account() {
        let response = register(&TestApp::new(), JOHN).await;
        assert_response(
            &response,
            201,
            r#"{"message":"Account created successfully","account":{"account_id":1,"username":"john_doe","roles":"customer","status":"active","created_at":"2025-08-13T10:15:30Z"}}"#,
        );
        assert_eq!(response.header("content-type"), "application/json");
    }

    #[tokio::test]
    async fn registering_a_taken_username_returns_400() {
        let app = JOHN_DOE.registered().await;
        for username in ["john_doe", "JOHN_DOE", "john@example.com"] {
            let body = format!(r#"{{"username":"{username}","password":"P@ssw0rd!"}}"#);
            let response = register(&app, &body).await;
            assert_response(&response, 400, r#"{"error":"Username already exists"}"#);
        }
    }

    #[tokio::test]
    async fn logging_in_returns_200_with_tokens_lifetime_and_roles() {
        let response = JOHN_DOE.registered().await.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        let Tokens { access, refresh } = read_tokens(&response);
        let body = format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600,"roles":"customer"}}"#
        );
        assert_response(&response, 200, &body);
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_returns_401() {
        let app = JOHN_DOE.registered().await;
        for body in [
            r#"{"username":"john_doe","password":"wrong"}"#,
            r#"{"username":"unknown","password":"P@ssw0rd!"}"#,
            r#"{"username":"","password":""}"#,
            r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let response = app.post("/api/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid username or password"}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_returns_200_with_an_access_token_and_lifetime() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        let response = refresh(&app, &tokens.refresh).await;
        let renewed = response.member("access_token");
        assert_response(&response, 200, &format!(r#"{{"access_token":"{renewed}","expires_in":3600}}"#));
        assert_ne!(renewed, tokens.access);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_returns_403() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        for token in ["", "nonsense", "dGhpc2lzYXJlZnJlc2h0b2tlbg==", &tokens.access] {
            assert_response(&refresh(&app, token).await, 403, BAD_REFRESH_TOKEN);
        }
    }

    #[tokio::test]
    async fn logging_out_returns_200() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        assert_response(&log_out(&app, &tokens.refresh).await, 200, LOGGED_OUT);
    }

    #[tokio::test]
    async fn me_returns_200_with_the_account() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        assert_response(
            &me(&app, &tokens.access).await,
            200,
            r#"{"account_id":1,"username":"john_doe","roles":"customer","status":"active","full_name":"John Doe","email":"john@example.com","phone_number":"+84123456789"}"#,
        );
    }

    #[tokio::test]
    async fn me_returns_401_without_a_valid_token() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
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

mod registering {
    use super::*;

    #[tokio::test]
    async fn members_except_username_and_password_are_optional() {
        for body in [
            r#"{"username":"john_doe","password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":null,"email":null,"phone_number":null,"roles":null}"#,
        ] {
            let app = TestApp::new();
            assert_eq!(register(&app, body).await.status, StatusCode::CREATED);
            let tokens = read_tokens(&app.post("/api/v1/auth/login", JOHNS_LOGIN).await);
            assert_response(
                &me(&app, &tokens.access).await,
                200,
                r#"{"account_id":1,"username":"john_doe","roles":"customer","status":"active","full_name":null,"email":null,"phone_number":null}"#,
            );
        }
    }

    #[tokio::test]
    async fn taken_email_address_returns_400() {
        let app = JOHN_DOE.registered().await;
        for email in ["john@example.com", "John@EXAMPLE.com"] {
            let body = format!(r#"{{"username":"other","password":"P@ssw0rd!","email":"{email}"}}"#);
            assert_response(&register(&app, &body).await, 400, r#"{"error":"Email already exists"}"#);
        }
    }

    #[tokio::test]
    async fn missing_and_invalid_members_are_named() {
        let app = TestApp::new();
        for (body, error) in [
            (r#"{"username":"john_doe"}"#, "password is required"),
            (r#"{"username":"","password":"P@ssw0rd!"}"#, "username must not be empty"),
            (
                r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
                "username contains a character that is not allowed",
            ),
            (r#"{"username":null,"password":7}"#, "username must be a string; password must be a string"),
            (
                r#"{"username":"john_doe","password":"1234567"}"#,
                "password must be at least 8 characters long",
            ),
            (
                r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":""}"#,
                "full_name must be 1 to 255 characters long, without control characters",
            ),
            (
                r#"{"username":"john_doe","password":"P@ssw0rd!","email":"john"}"#,
                "email must be a valid e-mail address",
            ),
            (
                r#"{"username":"john_doe","password":"P@ssw0rd!","phone_number":"0123"}"#,
                "phone_number must be a phone number in E.164 form, such as +84123456789",
            ),
            (
                r#"{"username":"john_doe","password":"P@ssw0rd!","roles":["customer"]}"#,
                "roles must be a string",
            ),
        ] {
            assert_response(&register(&app, body).await, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn only_one_self_assignable_role_is_accepted() {
        let app = TestApp::new();
        for roles in ["admin", "", "Customer", "customer,admin", "customer,customer", " customer"] {
            let body = format!(r#"{{"username":"john_doe","password":"P@ssw0rd!","roles":"{roles}"}}"#);
            let response = register(&app, &body).await;
            assert_response(
                &response,
                400,
                r#"{"error":"roles must be a role that new accounts may choose"}"#,
            );
        }
        assert_eq!(register(&app, JOHN).await.status, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn settings_define_assignable_and_default_roles() {
        let app = TestApp::new().with_settings(|settings| {
            settings.default_roles = Roles::parse("reader,guest").expect("roles");
            settings.self_assignable_roles = Roles::parse("seller,customer").expect("roles");
        });
        for (name, chosen, expected) in [
            ("a", r#","roles":"seller""#, "seller"),
            ("b", "", "guest,reader"),
            ("c", r#","roles":null"#, "guest,reader"),
        ] {
            let body = format!(r#"{{"username":"{name}","password":"P@ssw0rd!"{chosen}}}"#);
            let response = register(&app, &body).await;
            assert!(response.body.contains(&format!(r#""roles":"{expected}""#)), "{}", response.body);
            let login = format!(r#"{{"username":"{name}","password":"P@ssw0rd!"}}"#);
            assert_eq!(app.post("/api/v1/auth/login", &login).await.member("roles"), expected);
        }
    }

    #[tokio::test]
    async fn denied_role_is_audited_without_secrets() {
        let app = TestApp::new();
        for roles in ["admin", "S3cret text that is no role's name"] {
            let body = format!(r#"{{"username":"mallory","password":"P@ssw0rd!","roles":"{roles}"}}"#);
            register(&app, &body).await;
        }
        let events = app.ports.store.audit_events();
        let denied = AuditOutcome::Denied(DenialReason::RoleNotOffered);
        assert!(events.iter().all(|event| event.outcome == denied), "{events:?}");
        let details: Vec<_> =
            events.iter().map(|event| event.detail.as_ref().map(AuditDetail::as_str)).collect();
        assert_eq!(details, [Some("admin"), None]);
    }

    #[tokio::test]
    async fn denied_role_among_other_errors_is_listed_but_not_audited() {
        let app = TestApp::new();
        let body = r#"{"username":"","password":"P@ssw0rd!","roles":"admin"}"#;
        let response = register(&app, body).await;
        let errors = "username must not be empty; roles must be a role that new accounts may choose";
        assert_response(&response, 400, &format!(r#"{{"error":"{errors}"}}"#));
        assert_eq!(app.ports.store.audit_events(), []);
    }

    #[tokio::test]
    async fn phone_number_is_stored_in_e164_form() {
        let app = TestApp::new();
        let body = r#"{"username":"john_doe","password":"P@ssw0rd!","phone_number":"+1 (555) 010-0199"}"#;
        assert_eq!(register(&app, body).await.status, StatusCode::CREATED);
        let tokens = read_tokens(&app.post("/api/v1/auth/login", JOHNS_LOGIN).await);
        assert_eq!(me(&app, &tokens.access).await.member("phone_number"), "+15550100199");
    }

    #[tokio::test]
    async fn members_set_by_the_service_are_ignored() {
        let body = r#"{"username":"a","password":"P@ssw0rd!","account_id":7,"status":"suspended"}"#;
        let response = register(&TestApp::new(), body).await;
        assert!(
            response.body.contains(r#""account_id":1,"#) && response.body.contains(r#""status":"active""#)
        );
    }
}

mod undocumented {
    use super::*;

    #[tokio::test]
    async fn body_without_a_json_object_returns_400_everywhere() {
        let app = TestApp::new();
        for path in ["register", "login", "refresh", "logout"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"username":1,"username":2}"#] {
                let response = app.post(&format!("/api/v1/auth/{path}"), body).await;
                assert_response(&response, 400, r#"{"error":"Request body must be a JSON object"}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_mistyped_members_are_named() {
        let app = JOHN_DOE.registered().await;
        for (path, body, error) in [
            ("login", "{}", "username is required; password is required"),
            ("login", r#"{"username":"john_doe","password":7}"#, "password must be a string"),
            ("refresh", "{}", "refresh_token is required"),
            ("refresh", r#"{"refresh_token":null}"#, "refresh_token must be a string"),
            ("logout", "{}", "refresh_token is required"),
            ("logout", r#"{"refresh_token":7}"#, "refresh_token must be a string"),
        ] {
            let response = app.post(&format!("/api/v1/auth/{path}"), body).await;
            assert_response(&response, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn user_logs_in_by_either_identifier_in_any_case() {
        let app = JOHN_DOE.registered().await;
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"username":"{identifier}","password":"P@ssw0rd!"}}"#);
            let response = app.post("/api/v1/auth/login", &body).await;
            assert_eq!(response.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn absent_username_is_null_and_absent_roles_are_empty() {
        let app = TestApp::new();
        let jane = r#"{"email":"jane@example.com","password":"P@ssw0rd!"}"#;
        assert_eq!(register(&app, jane).await.status, StatusCode::CREATED);
        app.give_role("jane@example.com", "").await;
        let login = r#"{"username":"jane@example.com","password":"P@ssw0rd!"}"#;
        let tokens = read_tokens(&app.post("/api/v1/auth/login", login).await);
        assert_response(
            &me(&app, &tokens.access).await,
            200,
            r#"{"account_id":1,"username":null,"roles":"","status":"active","full_name":null,"email":"jane@example.com","phone_number":null}"#,
        );
    }

    #[tokio::test]
    async fn other_content_types_return_415() {
        let app = JOHN_DOE.registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let response = app.post_as(media_type, "/api/v1/auth/login", JOHNS_LOGIN).await;
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
            (Method::GET, "logout", "POST"),
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
        let longest = 16 * 1024 - r#"{"refresh_token":""}"#.len();
        assert_response(&refresh(&app, &"a".repeat(longest)).await, 403, BAD_REFRESH_TOKEN);
        let larger = refresh(&app, &"a".repeat(longest + 1)).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large"}"#);
    }

    #[tokio::test]
    async fn unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let app = TestApp::new();
        for path in ["/api/v1/auth", "/api/v1/auth/", "/api/v1/auth/login/", "/api/v1/auth/nothing"] {
            assert_response(&app.get(path, None).await, 404, r#"{"error":"Not found"}"#);
        }
    }

    #[tokio::test]
    async fn two_authorization_headers_return_400() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        let lines: [&str; 2] = [&tokens.access, &tokens.access];
        let response = app.get_with_bearers("/api/v1/auth/me", &lines).await;
        assert_response(&response, 400, r#"{"error":"Malformed request header"}"#);
    }

    #[tokio::test]
    async fn full_queue_returns_503_with_retry_after() {
        let app = JOHN_DOE.registered().await;
        app.ports.hasher.set_overloaded(true);
        let response = app.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable"}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_has_the_dialects_error_format() {
        let session = SessionId(Uuid::from_u128(1));
        let error = FieldError { field: "username".into(), message: "is required".to_owned() };
        for (failure, status) in [
            (Failure::MalformedBody, 400),
            (Failure::MalformedHeader, 400),
            (Failure::InvalidFields(vec![error]), 400),
            (Failure::Taken(IdentifierKind::Email), 400),
            (Failure::Taken(IdentifierKind::Username), 400),
            (Failure::MissingToken, 401),
            (Failure::InvalidToken, 401),
            (Failure::InvalidCredentials, 401),
            (Failure::InvalidApiKey, 401),
            (Failure::InvalidRefreshToken, 403),
            (Failure::ReplayedRefreshToken(session), 403),
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
                let response = TestResponse::of(Accounts.render(&failure, endpoint));
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

    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;

    fn expires_in(response: &TestResponse) -> u64 {
        let body: serde_json::Value = serde_json::from_str(&response.body).expect("JSON");
        body["expires_in"].as_u64().unwrap_or_else(|| panic!("no lifetime in {}", response.body))
    }

    #[tokio::test]
    async fn access_token_is_valid_for_an_hour() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(HOUR - 1));
        assert_eq!(me(&app, &tokens.access).await.status, StatusCode::OK);
        app.ports.clock.advance(Duration::from_secs(7));
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn expires_in_is_the_lifetime_of_the_token() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        let app = app.with_settings(|settings| {
            settings.access_lifetime = Some(Duration::from_secs(90));
        });
        assert_eq!(expires_in(&refresh(&app, &tokens.refresh).await), 90);
        let app = app.with_settings(|settings| settings.access_lifetime = None);
        for _ in 0..3 {
            app.ports.clock.advance(Duration::from_secs(10 * DAY - 600));
            let response = refresh(&app, &tokens.refresh).await;
            assert!(response.status == StatusCode::OK, "{}", response.body);
        }
        let last = refresh(&app, &tokens.refresh).await;
        assert_eq!(expires_in(&last), 1_800, "the session expires within the hour");
        // The verification of access tokens allows a leeway of five seconds.
        app.ports.clock.advance(Duration::from_secs(1_805));
        assert_eq!(me(&app, &last.member("access_token")).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn refresh_token_stays_and_every_access_token_is_valid() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        for _ in 0..3 {
            app.ports.clock.advance(Duration::from_secs(60));
            let renewed = refresh(&app, &tokens.refresh).await.member("access_token");
            assert_eq!(me(&app, &renewed).await.status, StatusCode::OK);
        }
        assert_eq!(me(&app, &tokens.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn refreshing_extends_a_session_to_at_most_30_days() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        for _ in 0..2 {
            app.ports.clock.advance(Duration::from_secs(13 * DAY));
            assert_eq!(refresh(&app, &tokens.refresh).await.status, StatusCode::OK);
        }
        app.ports.clock.advance(Duration::from_secs(4 * DAY));
        assert_response(&refresh(&app, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn session_expires_after_two_idle_weeks() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        app.ports.clock.advance(Duration::from_secs(14 * DAY));
        assert_response(&refresh(&app, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn logging_out_ends_only_its_own_session() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        let other = read_tokens(&app.post("/api/v1/auth/login", JOHNS_LOGIN).await);
        log_out(&app, &tokens.refresh).await;
        assert_response(&refresh(&app, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
        assert_eq!(me(&app, &other.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn logging_out_of_an_unknown_session_returns_200() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        for token in [&tokens.refresh, &tokens.refresh, "", "nonsense", "dGhpc2lzYXJlZnJlc2h0b2tlbg=="] {
            assert_response(&log_out(&app, token).await, 200, LOGGED_OUT);
        }
    }

    #[tokio::test]
    async fn refresh_token_of_another_dialect_has_no_effect() {
        let app = JOHN_DOE.registered().await;
        let login = r#"{"email":"john_doe","password":"P@ssw0rd!"}"#;
        let pair = app.post("/api/v1/auth/login", login).await;
        let token = pair.member("refreshToken");
        assert_response(&refresh(&app, &token).await, 403, BAD_REFRESH_TOKEN);
        assert_response(&log_out(&app, &token).await, 200, LOGGED_OUT);
        assert_eq!(me(&app, &pair.member("accessToken")).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn suspended_user_gets_the_wrong_credentials_response() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        app.suspend("john_doe").await;
        let login = app.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        assert_response(&login, 401, r#"{"error":"Invalid username or password"}"#);
        assert_response(&refresh(&app, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
        assert_response(&me(&app, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn protected_resource_accepts_only_access_tokens() {
        let (app, tokens) = JOHN_DOE.logged_in(read_tokens).await;
        for (token, status) in [(&tokens.access, 200), (&tokens.refresh, 401)] {
            let response = app.get("/v1/protected/resource", Some(token)).await;
            assert_eq!(response.status.as_u16(), status);
        }
    }
}
