//! The dialect `accounts`, byte for byte, over the adapters in memory: every example of its document, then what the
//! document leaves open. All dialects are served, as by default; who answers at the paths that this one shares is
//! proven in `shared_paths.rs`.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod speaker;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{AuditDetail, AuditOutcome, DenialReason, IdentifierKind, Roles, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, accounts::Accounts};
use auth_http::failure::{Failure, FieldError};
use speaker::{Answer, Speaker};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":"John Doe","email":"john@example.com","phone_number":"+84123456789","roles":"customer"}"#;
const JOHNS_LOGIN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"error":"Invalid or expired refresh token"}"#;
const BAD_ACCESS_TOKEN: &str = r#"{"error":"Token is missing or invalid"}"#;
const LOGGED_OUT: &str = r#"{"message":"Successfully logged out"}"#;

async fn register(speaker: &Speaker, body: &str) -> Answer {
    speaker.post("/api/v1/auth/register", body).await
}

async fn registered() -> Speaker {
    let speaker = Speaker::new().await;
    assert_eq!(register(&speaker, JOHN).await.status, StatusCode::CREATED);
    speaker
}

/// Somebody registered who has logged in, and the tokens they were given.
async fn logged_in() -> (Speaker, Tokens) {
    let speaker = registered().await;
    let tokens = Tokens::of(&speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await);
    (speaker, tokens)
}

struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(login: &Answer) -> Self {
        Self { access: login.member("access_token"), refresh: login.member("refresh_token") }
    }
}

async fn refresh(speaker: &Speaker, token: &str) -> Answer {
    speaker.post("/api/v1/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#)).await
}

async fn log_out(speaker: &Speaker, token: &str) -> Answer {
    speaker.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{token}"}}"#)).await
}

async fn me(speaker: &Speaker, token: &str) -> Answer {
    speaker.get("/api/v1/auth/me", Some(token)).await
}

fn assert_says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body));
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_says_201_with_the_account() {
        let answer = register(&Speaker::new().await, JOHN).await;
        assert_says(
            &answer,
            201,
            r#"{"message":"Account created successfully","account":{"account_id":1,"username":"john_doe","roles":"customer","status":"active","created_at":"2025-08-13T10:15:30Z"}}"#,
        );
        assert_eq!(answer.header("content-type"), "application/json");
    }

    #[tokio::test]
    async fn registering_a_taken_username_says_400() {
        let speaker = registered().await;
        for username in ["john_doe", "JOHN_DOE", "john@example.com"] {
            let body = format!(r#"{{"username":"{username}","password":"P@ssw0rd!"}}"#);
            let answer = register(&speaker, &body).await;
            assert_says(&answer, 400, r#"{"error":"Username already exists"}"#);
        }
    }

    #[tokio::test]
    async fn logging_in_says_200_with_tokens_lifetime_and_roles() {
        let answer = registered().await.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        let Tokens { access, refresh } = Tokens::of(&answer);
        let body = format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600,"roles":"customer"}}"#
        );
        assert_says(&answer, 200, &body);
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_says_401() {
        let speaker = registered().await;
        for body in [
            r#"{"username":"john_doe","password":"wrong"}"#,
            r#"{"username":"nobody","password":"P@ssw0rd!"}"#,
            r#"{"username":"","password":""}"#,
            r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let answer = speaker.post("/api/v1/auth/login", body).await;
            assert_says(&answer, 401, r#"{"error":"Invalid username or password"}"#);
            assert!(!answer.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_says_200_with_an_access_token_and_its_lifetime() {
        let (speaker, tokens) = logged_in().await;
        let answer = refresh(&speaker, &tokens.refresh).await;
        let renewed = answer.member("access_token");
        assert_says(&answer, 200, &format!(r#"{{"access_token":"{renewed}","expires_in":3600}}"#));
        assert_ne!(renewed, tokens.access);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_says_403() {
        let (speaker, tokens) = logged_in().await;
        for token in ["", "nonsense", "dGhpc2lzYXJlZnJlc2h0b2tlbg==", &tokens.access] {
            assert_says(&refresh(&speaker, token).await, 403, BAD_REFRESH_TOKEN);
        }
    }

    #[tokio::test]
    async fn logging_out_says_200() {
        let (speaker, tokens) = logged_in().await;
        assert_says(&log_out(&speaker, &tokens.refresh).await, 200, LOGGED_OUT);
    }

    #[tokio::test]
    async fn me_says_200_with_the_account() {
        let (speaker, tokens) = logged_in().await;
        assert_says(
            &me(&speaker, &tokens.access).await,
            200,
            r#"{"account_id":1,"username":"john_doe","roles":"customer","status":"active","full_name":"John Doe","email":"john@example.com","phone_number":"+84123456789"}"#,
        );
    }

    #[tokio::test]
    async fn me_says_401_without_a_token_and_with_a_bad_one() {
        let (speaker, tokens) = logged_in().await;
        let missing = speaker.get("/api/v1/auth/me", None).await;
        assert_says(&missing, 401, BAD_ACCESS_TOKEN);
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        for token in ["nonsense", &tokens.refresh] {
            let invalid = me(&speaker, token).await;
            assert_says(&invalid, 401, BAD_ACCESS_TOKEN);
            assert_eq!(invalid.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        }
    }
}

mod registering {
    use super::*;

    #[tokio::test]
    async fn all_but_username_and_password_may_be_left_out_and_is_null_then() {
        for body in [
            r#"{"username":"john_doe","password":"P@ssw0rd!"}"#,
            r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":null,"email":null,"phone_number":null,"roles":null}"#,
        ] {
            let speaker = Speaker::new().await;
            assert_eq!(register(&speaker, body).await.status, StatusCode::CREATED);
            let tokens = Tokens::of(&speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await);
            assert_says(
                &me(&speaker, &tokens.access).await,
                200,
                r#"{"account_id":1,"username":"john_doe","roles":"customer","status":"active","full_name":null,"email":null,"phone_number":null}"#,
            );
        }
    }

    #[tokio::test]
    async fn a_taken_email_address_says_400() {
        let speaker = registered().await;
        for email in ["john@example.com", "John@EXAMPLE.com"] {
            let body = format!(r#"{{"username":"other","password":"P@ssw0rd!","email":"{email}"}}"#);
            assert_says(&register(&speaker, &body).await, 400, r#"{"error":"Email already exists"}"#);
        }
    }

    #[tokio::test]
    async fn what_is_missing_or_wrong_is_named() {
        let speaker = Speaker::new().await;
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
            assert_says(&register(&speaker, body).await, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn nothing_but_one_role_that_new_accounts_may_choose_is_accepted() {
        let speaker = Speaker::new().await;
        for roles in ["admin", "", "Customer", "customer,admin", "customer,customer", " customer"] {
            let body = format!(r#"{{"username":"john_doe","password":"P@ssw0rd!","roles":"{roles}"}}"#);
            let answer = register(&speaker, &body).await;
            assert_says(&answer, 400, r#"{"error":"roles must be a role that new accounts may choose"}"#);
        }
        assert_eq!(register(&speaker, JOHN).await.status, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn settings_say_which_roles_may_be_chosen_and_which_come_by_default() {
        let speaker = Speaker::new().await.after(|settings| {
            settings.registration.default_roles = Roles::parse("reader,guest").expect("roles");
            settings.registration.self_assignable_roles = Roles::parse("seller,customer").expect("roles");
        });
        for (name, chosen, given) in [
            ("a", r#","roles":"seller""#, "seller"),
            ("b", "", "guest,reader"),
            ("c", r#","roles":null"#, "guest,reader"),
        ] {
            let body = format!(r#"{{"username":"{name}","password":"P@ssw0rd!"{chosen}}}"#);
            let answer = register(&speaker, &body).await;
            assert!(answer.body.contains(&format!(r#""roles":"{given}""#)), "{}", answer.body);
            let login = format!(r#"{{"username":"{name}","password":"P@ssw0rd!"}}"#);
            assert_eq!(speaker.post("/api/v1/auth/login", &login).await.member("roles"), given);
        }
    }

    #[tokio::test]
    async fn asking_for_a_role_that_nobody_may_choose_is_an_audit_event_without_secrets() {
        let speaker = Speaker::new().await;
        for roles in ["admin", "S3cret text that is no role's name"] {
            let body = format!(r#"{{"username":"mallory","password":"P@ssw0rd!","roles":"{roles}"}}"#);
            register(&speaker, &body).await;
        }
        let events = speaker.world.store.audit_events();
        let denied = AuditOutcome::Denied(DenialReason::RoleNotOffered);
        assert!(events.iter().all(|event| event.outcome == denied), "{events:?}");
        let details: Vec<_> =
            events.iter().map(|event| event.detail.as_ref().map(AuditDetail::as_str)).collect();
        assert_eq!(details, [Some("admin"), None]);
    }

    #[tokio::test]
    async fn a_denied_role_among_other_errors_is_listed_but_not_audited() {
        let speaker = Speaker::new().await;
        let body = r#"{"username":"","password":"P@ssw0rd!","roles":"admin"}"#;
        let answer = register(&speaker, body).await;
        let errors = "username must not be empty; roles must be a role that new accounts may choose";
        assert_says(&answer, 400, &format!(r#"{{"error":"{errors}"}}"#));
        assert_eq!(speaker.world.store.audit_events(), []);
    }

    #[tokio::test]
    async fn a_phone_number_is_kept_in_e_164_form() {
        let speaker = Speaker::new().await;
        let body = r#"{"username":"john_doe","password":"P@ssw0rd!","phone_number":"+1 (555) 010-0199"}"#;
        assert_eq!(register(&speaker, body).await.status, StatusCode::CREATED);
        let tokens = Tokens::of(&speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await);
        assert_eq!(me(&speaker, &tokens.access).await.member("phone_number"), "+15550100199");
    }

    #[tokio::test]
    async fn members_that_nobody_may_choose_are_ignored() {
        let body = r#"{"username":"a","password":"P@ssw0rd!","account_id":7,"status":"suspended"}"#;
        let answer = register(&Speaker::new().await, body).await;
        assert!(answer.body.contains(r#""account_id":1,"#) && answer.body.contains(r#""status":"active""#));
    }
}

mod left_open {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_no_json_object_is_a_bad_request_everywhere() {
        let speaker = Speaker::new().await;
        for path in ["register", "login", "refresh", "logout"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"username":1,"username":2}"#] {
                let answer = speaker.post(&format!("/api/v1/auth/{path}"), body).await;
                assert_says(&answer, 400, r#"{"error":"Request body must be a JSON object"}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_wrongly_typed_members_are_named() {
        let speaker = registered().await;
        for (path, body, error) in [
            ("login", "{}", "username is required; password is required"),
            ("login", r#"{"username":"john_doe","password":7}"#, "password must be a string"),
            ("refresh", "{}", "refresh_token is required"),
            ("refresh", r#"{"refresh_token":null}"#, "refresh_token must be a string"),
            ("logout", "{}", "refresh_token is required"),
            ("logout", r#"{"refresh_token":7}"#, "refresh_token must be a string"),
        ] {
            let answer = speaker.post(&format!("/api/v1/auth/{path}"), body).await;
            assert_says(&answer, 400, &format!(r#"{{"error":"{error}"}}"#));
        }
    }

    #[tokio::test]
    async fn a_user_logs_in_by_either_identifier_in_any_case() {
        let speaker = registered().await;
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"username":"{identifier}","password":"P@ssw0rd!"}}"#);
            let answer = speaker.post("/api/v1/auth/login", &body).await;
            assert_eq!(answer.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn a_user_without_a_username_has_null_and_one_without_roles_has_none() {
        let speaker = Speaker::new().await;
        let jane = r#"{"email":"jane@example.com","password":"P@ssw0rd!"}"#;
        assert_eq!(register(&speaker, jane).await.status, StatusCode::CREATED);
        speaker.give_role("jane@example.com", "").await;
        let login = r#"{"username":"jane@example.com","password":"P@ssw0rd!"}"#;
        let tokens = Tokens::of(&speaker.post("/api/v1/auth/login", login).await);
        assert_says(
            &me(&speaker, &tokens.access).await,
            200,
            r#"{"account_id":1,"username":null,"roles":"","status":"active","full_name":null,"email":"jane@example.com","phone_number":null}"#,
        );
    }

    #[tokio::test]
    async fn another_content_type_is_unsupported() {
        let speaker = registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let answer = speaker.post_as(media_type, "/api/v1/auth/login", JOHNS_LOGIN).await;
            assert_says(&answer, 415, r#"{"error":"Unsupported media type"}"#);
        }
    }

    #[tokio::test]
    async fn another_method_is_told_which_are_allowed() {
        let speaker = Speaker::new().await;
        for (method, path, allow) in [
            (Method::DELETE, "register", "POST"),
            (Method::GET, "login", "POST"),
            (Method::PUT, "refresh", "POST"),
            (Method::GET, "logout", "POST"),
            (Method::POST, "me", "GET, HEAD"),
        ] {
            let answer = speaker.call(method, &format!("/api/v1/auth/{path}")).await;
            assert_says(&answer, 405, r#"{"error":"Method not allowed"}"#);
            assert_eq!(answer.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn a_body_of_more_than_16_kib_is_too_large() {
        let speaker = Speaker::new().await;
        let token = |length: usize| "a".repeat(length - r#"{"refresh_token":""}"#.len());
        assert_says(&refresh(&speaker, &token(16 * 1024)).await, 403, BAD_REFRESH_TOKEN);
        let larger = refresh(&speaker, &token(16 * 1024 + 1)).await;
        assert_says(&larger, 413, r#"{"error":"Payload too large"}"#);
    }

    #[tokio::test]
    async fn an_unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let speaker = Speaker::new().await;
        for path in ["/api/v1/auth", "/api/v1/auth/", "/api/v1/auth/login/", "/api/v1/auth/nothing"] {
            assert_says(&speaker.get(path, None).await, 404, r#"{"error":"Not found"}"#);
        }
    }

    #[tokio::test]
    async fn two_authorization_lines_are_a_bad_request() {
        let (speaker, tokens) = logged_in().await;
        let lines: [&str; 2] = [&tokens.access, &tokens.access];
        let answer = speaker.get_with_bearers("/api/v1/auth/me", &lines).await;
        assert_says(&answer, 400, r#"{"error":"Malformed request header"}"#);
    }

    #[tokio::test]
    async fn a_full_queue_is_503_with_retry_after_and_never_401() {
        let speaker = registered().await;
        speaker.world.hasher.set_overloaded(true);
        let answer = speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        assert_says(&answer, 503, r#"{"error":"Service unavailable"}"#);
        assert_eq!(answer.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_is_worded_in_the_dialects_envelope() {
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
                let answer = Answer::of(Accounts.render(&failure, endpoint)).await;
                assert_eq!(answer.status.as_u16(), status, "{failure:?}");
                assert_eq!(answer.body, format!(r#"{{"error":"{}"}}"#, answer.member("error")));
                assert!(!answer.body.contains("cause"), "a cause is for the log");
            }
        }
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;

    fn expires_in(answer: &Answer) -> u64 {
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        body["expires_in"].as_u64().unwrap_or_else(|| panic!("no lifetime in {}", answer.body))
    }

    #[tokio::test]
    async fn an_access_token_serves_for_an_hour() {
        let (speaker, tokens) = logged_in().await;
        speaker.world.clock.advance(Duration::from_secs(HOUR - 1));
        assert_eq!(me(&speaker, &tokens.access).await.status, StatusCode::OK);
        speaker.world.clock.advance(Duration::from_secs(7));
        assert_says(&me(&speaker, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn expires_in_is_the_lifetime_that_the_token_really_has() {
        let (speaker, tokens) = logged_in().await;
        let speaker = speaker.after(|settings| {
            settings.token.access_lifetime = Some(Duration::from_secs(90));
        });
        assert_eq!(expires_in(&refresh(&speaker, &tokens.refresh).await), 90);
        let speaker = speaker.after(|settings| settings.token.access_lifetime = None);
        for _ in 0..3 {
            speaker.world.clock.advance(Duration::from_secs(10 * DAY - 600));
            let answer = refresh(&speaker, &tokens.refresh).await;
            assert!(answer.status == StatusCode::OK, "{}", answer.body);
        }
        let last = refresh(&speaker, &tokens.refresh).await;
        assert_eq!(expires_in(&last), 1_800, "its session is over before the hour is");
        // As with every access token, give or take the leeway.
        speaker.world.clock.advance(Duration::from_secs(1_805));
        assert_eq!(me(&speaker, &last.member("access_token")).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn the_refresh_token_stays_and_each_access_token_serves() {
        let (speaker, tokens) = logged_in().await;
        for _ in 0..3 {
            speaker.world.clock.advance(Duration::from_secs(60));
            let renewed = refresh(&speaker, &tokens.refresh).await.member("access_token");
            assert_eq!(me(&speaker, &renewed).await.status, StatusCode::OK);
        }
        assert_eq!(me(&speaker, &tokens.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn refreshing_keeps_a_session_alive_for_30_days_and_no_longer() {
        let (speaker, tokens) = logged_in().await;
        for _ in 0..2 {
            speaker.world.clock.advance(Duration::from_secs(13 * DAY));
            assert_eq!(refresh(&speaker, &tokens.refresh).await.status, StatusCode::OK);
        }
        speaker.world.clock.advance(Duration::from_secs(4 * DAY));
        assert_says(&refresh(&speaker, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn a_session_that_was_idle_for_two_weeks_is_over() {
        let (speaker, tokens) = logged_in().await;
        speaker.world.clock.advance(Duration::from_secs(14 * DAY));
        assert_says(&refresh(&speaker, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn logging_out_ends_the_session_and_no_other() {
        let (speaker, tokens) = logged_in().await;
        let other = Tokens::of(&speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await);
        log_out(&speaker, &tokens.refresh).await;
        assert_says(&refresh(&speaker, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
        assert_says(&me(&speaker, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
        assert_eq!(me(&speaker, &other.access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn logging_out_of_what_is_no_session_tells_nothing() {
        let (speaker, tokens) = logged_in().await;
        for token in [&tokens.refresh, &tokens.refresh, "", "nonsense", "dGhpc2lzYXJlZnJlc2h0b2tlbg=="] {
            assert_says(&log_out(&speaker, token).await, 200, LOGGED_OUT);
        }
    }

    #[tokio::test]
    async fn a_refresh_token_of_another_dialect_neither_refreshes_nor_logs_out() {
        let speaker = registered().await;
        let login = r#"{"email":"john_doe","password":"P@ssw0rd!"}"#;
        let pair = speaker.post("/api/v1/auth/login", login).await;
        let token = pair.member("refreshToken");
        assert_says(&refresh(&speaker, &token).await, 403, BAD_REFRESH_TOKEN);
        assert_says(&log_out(&speaker, &token).await, 200, LOGGED_OUT);
        assert_eq!(me(&speaker, &pair.member("accessToken")).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_suspended_user_is_answered_like_somebody_with_wrong_credentials() {
        let (speaker, tokens) = logged_in().await;
        speaker.suspend("john_doe").await;
        let login = speaker.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        assert_says(&login, 401, r#"{"error":"Invalid username or password"}"#);
        assert_says(&refresh(&speaker, &tokens.refresh).await, 403, BAD_REFRESH_TOKEN);
        assert_says(&me(&speaker, &tokens.access).await, 401, BAD_ACCESS_TOKEN);
    }

    #[tokio::test]
    async fn an_access_token_opens_the_protected_resource_and_a_refresh_token_does_not() {
        let (speaker, tokens) = logged_in().await;
        for (token, status) in [(&tokens.access, 200), (&tokens.refresh, 401)] {
            let answer = speaker.get("/v1/protected/resource", Some(token)).await;
            assert_eq!(answer.status.as_u16(), status);
        }
    }
}
