//! The dialect `single_token`, byte for byte, over the adapters in memory: every example of its document, then what
//! the document leaves open.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod speaker;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, SessionId};
use auth_http::dialects::{Dialect as _, Endpoint, single_token::SingleToken};
use auth_http::failure::Failure;
use speaker::{Answer, Speaker};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john_doe","email":"john@example.com","password":"P@ssw0rd!"}"#;
const JOHNS_LOGIN: &str = r#"{"email":"john@example.com","password":"P@ssw0rd!"}"#;

async fn registered() -> Speaker {
    let speaker = Speaker::new().await;
    assert_eq!(speaker.post("/v1/auth/register", JOHN).await.status, StatusCode::CREATED);
    speaker
}

/// Somebody registered who has logged in, and the token they were given.
async fn logged_in() -> (Speaker, String) {
    let speaker = registered().await;
    let token = speaker.post("/v1/auth/login", JOHNS_LOGIN).await.member("acc_token");
    (speaker, token)
}

fn refresh_body(token: &str) -> String {
    format!(r#"{{"ref_token":"{token}"}}"#)
}

fn assert_says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body));
}

mod documented {
    use super::*;

    #[tokio::test]
    async fn registering_says_201() {
        let answer = Speaker::new().await.post("/v1/auth/register", JOHN).await;
        assert_says(&answer, 201, r#"{"message":"User registered successfully."}"#);
        assert_eq!(answer.header("content-type"), "application/json");
    }

    #[tokio::test]
    async fn registering_with_invalid_input_says_400() {
        let speaker = Speaker::new().await;
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
            let answer = speaker.post("/v1/auth/register", body).await;
            assert_says(&answer, 400, r#"{"error":"Invalid input data."}"#);
        }
    }

    #[tokio::test]
    async fn registering_a_second_time_says_409() {
        let speaker = registered().await;
        for body in [
            JOHN,
            r#"{"username":"JOHN_DOE","email":"other@example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"other","email":"John@Example.com","password":"P@ssw0rd!"}"#,
            r#"{"username":"john@example.com","email":"other@example.com","password":"P@ssw0rd!"}"#,
        ] {
            let answer = speaker.post("/v1/auth/register", body).await;
            assert_says(&answer, 409, r#"{"error":"User already exists."}"#);
        }
    }

    #[tokio::test]
    async fn logging_in_says_200_with_one_token() {
        let answer = registered().await.post("/v1/auth/login", JOHNS_LOGIN).await;
        let token = answer.member("acc_token");
        assert_says(&answer, 200, &format!(r#"{{"acc_token":"{token}"}}"#));
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_says_401() {
        let speaker = registered().await;
        for body in [
            r#"{"email":"john@example.com","password":"wrong"}"#,
            r#"{"email":"nobody@example.com","password":"P@ssw0rd!"}"#,
            r#"{"email":"","password":""}"#,
            r#"{"email":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let answer = speaker.post("/v1/auth/login", body).await;
            assert_says(&answer, 401, r#"{"error":"Invalid credentials."}"#);
            assert!(!answer.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_says_200_with_another_token() {
        let (speaker, token) = logged_in().await;
        let answer = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        let renewed = answer.member("token");
        assert_says(&answer, 200, &format!(r#"{{"token":"{renewed}"}}"#));
        assert_ne!(renewed, token);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_says_401() {
        let speaker = registered().await;
        for token in ["", "nonsense", "a.b.c", "ref_nonsense"] {
            let answer = speaker.post("/v1/auth/refresh", &refresh_body(token)).await;
            assert_says(&answer, 401, r#"{"error":"Invalid token."}"#);
        }
    }

    #[tokio::test]
    async fn the_protected_resource_says_200_to_the_bearer_of_a_token() {
        let (speaker, token) = logged_in().await;
        let answer = speaker.get("/v1/protected/resource", Some(&token)).await;
        assert_says(&answer, 200, r#"{"data":"protected data"}"#);
    }

    #[tokio::test]
    async fn the_protected_resource_says_401_without_a_token_and_with_a_bad_one() {
        let (speaker, _) = logged_in().await;
        let missing = speaker.get("/v1/protected/resource", None).await;
        assert_says(&missing, 401, r#"{"error":"Invalid or missing token."}"#);
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        let invalid = speaker.get("/v1/protected/resource", Some("nonsense")).await;
        assert_says(&invalid, 401, r#"{"error":"Invalid or missing token."}"#);
        assert_eq!(invalid.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }

    #[tokio::test]
    async fn the_common_errors_are_worded_as_printed() {
        let cause = || "cause".into();
        for (failure, endpoint, status, body) in [
            (Failure::MalformedBody, Some(Endpoint::LogIn), 400, r#"{"error":"Bad request."}"#),
            (Failure::MissingToken, None, 401, r#"{"error":"Unauthorized."}"#),
            (Failure::Forbidden, Some(Endpoint::ProtectedResource), 403, r#"{"error":"Forbidden."}"#),
            (Failure::UnknownPath, None, 404, r#"{"error":"Not found."}"#),
            (Failure::Internal(cause()), Some(Endpoint::LogIn), 500, r#"{"error":"Internal server error."}"#),
        ] {
            let response = SingleToken.render(&failure, endpoint);
            assert_says(&Answer::of(response).await, status, body);
        }
    }

    #[tokio::test]
    async fn the_example_flow_works_from_end_to_end() {
        let (speaker, token) = logged_in().await;
        assert_eq!(speaker.get("/v1/protected/resource", Some(&token)).await.status, StatusCode::OK);
        let renewed = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await.member("token");
        assert_eq!(speaker.get("/v1/protected/resource", Some(&renewed)).await.status, StatusCode::OK);
    }
}

mod left_open {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_no_json_object_is_a_bad_request_everywhere() {
        let speaker = Speaker::new().await;
        for path in ["/v1/auth/register", "/v1/auth/login", "/v1/auth/refresh"] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"email":1,"email":2}"#] {
                let answer = speaker.post(path, body).await;
                assert_says(&answer, 400, r#"{"error":"Bad request."}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_wrongly_typed_members_at_login_and_refresh_are_a_bad_request() {
        let speaker = registered().await;
        for (path, body) in [
            ("/v1/auth/login", r#"{"email":"john@example.com"}"#),
            ("/v1/auth/login", r#"{"password":"P@ssw0rd!"}"#),
            ("/v1/auth/login", r#"{"email":"john@example.com","password":7}"#),
            ("/v1/auth/refresh", "{}"),
            ("/v1/auth/refresh", r#"{"ref_token":null}"#),
        ] {
            assert_says(&speaker.post(path, body).await, 400, r#"{"error":"Bad request."}"#);
        }
    }

    #[tokio::test]
    async fn unknown_members_are_ignored() {
        let body =
            r#"{"username":"a","email":"a@example.com","password":"P@ssw0rd!","roles":"admin","id":7}"#;
        assert_eq!(Speaker::new().await.post("/v1/auth/register", body).await.status, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn a_user_logs_in_by_either_identifier_in_any_case() {
        let speaker = registered().await;
        for identifier in ["john@example.com", "John@EXAMPLE.com", "john_doe", "JOHN_DOE"] {
            let body = format!(r#"{{"email":"{identifier}","password":"P@ssw0rd!"}}"#);
            assert_eq!(speaker.post("/v1/auth/login", &body).await.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn another_content_type_is_unsupported() {
        let speaker = registered().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let answer = speaker.post_as(media_type, "/v1/auth/login", JOHNS_LOGIN).await;
            assert_says(&answer, 415, r#"{"error":"Unsupported media type."}"#);
        }
    }

    #[tokio::test]
    async fn another_method_is_told_which_are_allowed() {
        let speaker = Speaker::new().await;
        for (method, path, allow) in [
            (Method::GET, "/v1/auth/login", "POST"),
            (Method::DELETE, "/v1/auth/register", "POST"),
            (Method::PUT, "/v1/auth/refresh", "POST"),
            (Method::POST, "/v1/protected/resource", "GET, HEAD"),
            (Method::OPTIONS, "/v1/protected/resource", "GET, HEAD"),
        ] {
            let answer = speaker.call(method, path).await;
            assert_says(&answer, 405, r#"{"error":"Method not allowed."}"#);
            assert_eq!(answer.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn a_body_of_more_than_16_kib_is_too_large() {
        let speaker = Speaker::new().await;
        let body = |length: usize| format!(r#"{{"ref_token":"{}"}}"#, "a".repeat(length - 16));
        let largest = speaker.post("/v1/auth/refresh", &body(16 * 1024)).await;
        assert_says(&largest, 401, r#"{"error":"Invalid token."}"#);
        let larger = speaker.post("/v1/auth/refresh", &body(16 * 1024 + 1)).await;
        assert_says(&larger, 413, r#"{"error":"Payload too large."}"#);
    }

    #[tokio::test]
    async fn an_unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let speaker = Speaker::new().await;
        for path in ["/v1", "/v1/", "/v1/auth", "/v1/auth/login/", "/v1/nothing"] {
            let answer = speaker.get(path, None).await;
            assert_says(&answer, 404, r#"{"error":"Not found."}"#);
        }
    }

    #[tokio::test]
    async fn an_unknown_path_elsewhere_is_answered_with_problem_details() {
        let answer = Speaker::new().await.get("/v12/auth", None).await;
        assert_says(&answer, 404, r#"{"type":"about:blank","title":"Not Found","status":404}"#);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }

    #[tokio::test]
    async fn two_authorization_lines_are_a_bad_request() {
        let (speaker, token) = logged_in().await;
        let answer = speaker.get_with_bearers("/v1/protected/resource", &[&token, &token]).await;
        assert_says(&answer, 400, r#"{"error":"Bad request."}"#);
    }

    #[tokio::test]
    async fn a_token_in_the_query_is_ignored() {
        let (speaker, token) = logged_in().await;
        let path = format!("/v1/protected/resource?access_token={token}");
        assert_eq!(speaker.get(&path, None).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_full_queue_is_503_with_retry_after_and_never_401() {
        let speaker = registered().await;
        speaker.world.hasher.set_overloaded(true);
        let answer = speaker.post("/v1/auth/login", JOHNS_LOGIN).await;
        assert_says(&answer, 503, r#"{"error":"Service unavailable."}"#);
        assert_eq!(answer.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn every_failure_is_worded_in_the_dialects_envelope() {
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
            (Failure::CrossSite, 403),
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
                let answer = Answer::of(SingleToken.render(&failure, endpoint)).await;
                assert_eq!(answer.status.as_u16(), status, "{failure:?}");
                assert_eq!(answer.body, format!(r#"{{"error":"{}"}}"#, answer.member("error")));
                assert!(!answer.body.contains("cause"), "a cause is for the log");
            }
        }
    }

    #[tokio::test]
    async fn the_protected_resource_can_ask_for_a_role() {
        let (speaker, token) = logged_in().await;
        let speaker = speaker.asking_for_role("admin").await;
        let answer = speaker.get("/v1/protected/resource", Some(&token)).await;
        assert_says(&answer, 403, r#"{"error":"Forbidden."}"#);
        speaker.give_role("john_doe", "admin").await;
        let answer = speaker.get("/v1/protected/resource", Some(&token)).await;
        assert_says(&answer, 401, r#"{"error":"Invalid or missing token."}"#);
        let token = speaker.post("/v1/auth/login", JOHNS_LOGIN).await.member("acc_token");
        let answer = speaker.get("/v1/protected/resource", Some(&token)).await;
        assert_says(&answer, 200, r#"{"data":"protected data"}"#);
    }
}

mod sessions {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_expired_token_opens_nothing_but_still_renews() {
        let (speaker, token) = logged_in().await;
        speaker.world.clock.advance(Duration::from_secs(906));
        let answer = speaker.get("/v1/protected/resource", Some(&token)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let answer = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_session_that_was_idle_for_two_weeks_is_over() {
        let (speaker, token) = logged_in().await;
        speaker.world.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        let answer = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_says(&answer, 401, r#"{"error":"Invalid token."}"#);
    }

    #[tokio::test]
    async fn a_lost_answer_is_given_again() {
        let (speaker, token) = logged_in().await;
        let first = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        speaker.world.clock.advance(Duration::from_secs(9));
        let again = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_eq!(again.body, first.body);
    }

    #[tokio::test]
    async fn a_replayed_token_ends_its_session_and_no_other() {
        let (speaker, token) = logged_in().await;
        let other = speaker.post("/v1/auth/login", JOHNS_LOGIN).await.member("acc_token");
        let renewed = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await.member("token");
        speaker.world.clock.advance(Duration::from_secs(11));
        let replay = speaker.post("/v1/auth/refresh", &refresh_body(&token)).await;
        assert_says(&replay, 401, r#"{"error":"Invalid token."}"#);
        for ended in [&token, &renewed] {
            let answer = speaker.get("/v1/protected/resource", Some(ended)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(speaker.get("/v1/protected/resource", Some(&other)).await.status, StatusCode::OK);
    }
}
