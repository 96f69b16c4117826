//! The cookie of the dialect `cookie`: its attributes wherever the service is reached, the pages that may have a
//! browser send it, and what logging out does to it.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod speaker;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_http::origin::PublicUrl;
use auth_http::settings::{Flag, Settings, Sources};
use auth_http::wiring;
use serde_json::Value;
use speaker::{Answer, Speaker};

const JOHN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
const LOGGED_OUT: &str = r#"{"message":"Logged out successfully."}"#;
const UNAUTHORIZED: &str = r#"{"message":"Invalid, expired or missing access token."}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden."}"#;
const FORGOTTEN: &str = "refresh_token=; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=0";
const TWO_WEEKS: u64 = 14 * 24 * 3_600;

fn settings(key: &str, value: &str) -> Settings {
    let flags = vec![Flag { name: "--set", key: key.to_owned(), value: value.to_owned() }];
    wiring::load_settings(&Sources { flags, ..Sources::default() }).expect("settings")
}

fn public_url(url: &str) -> PublicUrl {
    settings("public_url", url).public_url
}

/// What somebody was given who logged in.
struct Login {
    token: String,
    cookie: String,
}

async fn registered() -> Speaker {
    let speaker = Speaker::new().await;
    assert_eq!(speaker.post("/api/auth/register", JOHN).await.status, StatusCode::CREATED);
    speaker
}

async fn log_in(speaker: &Speaker) -> Login {
    let answer = speaker.post("/api/auth/login", JOHN).await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    let token = body["data"]["token"].as_str().expect("a token").to_owned();
    Login { token, cookie: pair(&answer).to_owned() }
}

/// The cookie as the browser sends it back.
fn pair(answer: &Answer) -> &str {
    answer.header("set-cookie").split(';').next().expect("a cookie")
}

/// What stands behind the cookie's value.
fn attributes(answer: &Answer) -> &str {
    answer.header("set-cookie").split_once("; ").expect("attributes").1
}

async fn post(speaker: &Speaker, path: &str, headers: &[(&str, &str)]) -> Answer {
    speaker.send_with_headers(Method::POST, path, headers, None).await
}

async fn refresh(speaker: &Speaker, cookie: &str) -> Answer {
    post(speaker, "/api/auth/refresh", &[("cookie", cookie)]).await
}

async fn log_out(speaker: &Speaker, token: Option<&str>, cookie: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = Vec::new();
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    headers.extend(cookie.map(|cookie| ("cookie", cookie)));
    post(speaker, "/api/auth/logout", &headers).await
}

fn assert_says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body));
}

mod attributes {
    use super::*;

    #[tokio::test]
    async fn the_cookie_is_secure_unless_clients_come_without_tls_on_this_very_machine() {
        for (url, name, secure) in [
            ("http://127.0.0.1:8080", "refresh_token=", ""),
            ("http://[::1]:8080", "refresh_token=", ""),
            ("http://localhost:8080", "refresh_token=", ""),
            ("https://auth.example.com", "__Secure-refresh_token=", "; Secure"),
            ("https://localhost:8443", "__Secure-refresh_token=", "; Secure"),
            ("http://auth.example.com", "__Secure-refresh_token=", "; Secure"),
        ] {
            let speaker = registered().await.after(|settings| settings.public_url = public_url(url));
            let login = speaker.post("/api/auth/login", JOHN).await;
            let refreshed = refresh(&speaker, pair(&login)).await;
            let expected = format!("HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age={TWO_WEEKS}{secure}");
            for answer in [&login, &refreshed] {
                assert_eq!(answer.status, StatusCode::OK, "{url}");
                assert!(pair(answer).starts_with(&format!("{name}ref_")), "{url}: {}", pair(answer));
                assert_eq!(super::attributes(answer), expected, "{url}");
            }
            let forgotten = log_out(&speaker, None, None).await;
            let expected = format!("{name}; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=0{secure}");
            assert_eq!(forgotten.header("set-cookie"), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn behind_tls_a_cookie_that_could_have_come_without_does_not_count() {
        let url = public_url("https://auth.example.com");
        let speaker = registered().await.after(|settings| settings.public_url = url);
        let login = log_in(&speaker).await;
        let unprefixed = login.cookie.trim_start_matches("__Secure-");
        assert_eq!(refresh(&speaker, unprefixed).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&speaker, &login.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_path_follows_the_prefix() {
        let moved = settings("dialects.cookie.prefix", "/moved/api");
        let speaker = Speaker::new().await.after(|settings| *settings = moved);
        assert_eq!(speaker.post("/moved/api/auth/register", JOHN).await.status, StatusCode::CREATED);
        let login = speaker.post("/moved/api/auth/login", JOHN).await;
        assert!(super::attributes(&login).contains("; Path=/moved/api/auth; "));
    }

    #[tokio::test]
    async fn the_browser_keeps_the_cookie_for_as_long_as_it_refreshes_the_session() {
        const DAY: u64 = 24 * 3_600;
        let speaker = registered().await;
        let mut cookie = log_in(&speaker).await.cookie;
        for (days_later, days_left) in [(10, 14), (10, 10), (5, 5)] {
            speaker.world.clock.advance(Duration::from_secs(days_later * DAY));
            let answer = refresh(&speaker, &cookie).await;
            assert!(
                super::attributes(&answer).ends_with(&format!("; Max-Age={}", days_left * DAY)),
                "{}",
                super::attributes(&answer)
            );
            cookie = pair(&answer).to_owned();
        }
        speaker.world.clock.advance(Duration::from_secs(5 * DAY));
        assert_eq!(refresh(&speaker, &cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn the_cookie_is_found_among_others_but_two_of_its_name_are_none() {
        let speaker = registered().await;
        let cookie = log_in(&speaker).await.cookie;
        let planted = format!("{cookie}; refresh_token=ref_planted");
        let twice = format!("{cookie}; {cookie}");
        for cookies in [&planted, &twice] {
            assert_eq!(refresh(&speaker, cookies).await.status, StatusCode::UNAUTHORIZED);
        }
        let lines = [("cookie", cookie.as_str()), ("cookie", "refresh_token=ref_planted")];
        assert_eq!(post(&speaker, "/api/auth/refresh", &lines).await.status, StatusCode::UNAUTHORIZED);
        let among_others = format!("theme=dark; {cookie}; my_refresh_token=1");
        assert_eq!(refresh(&speaker, &among_others).await.status, StatusCode::OK);
    }
}

mod cross_site {
    use super::*;

    const OWN: &str = "http://127.0.0.1:8080";
    const ALLOWED: &str = "https://app.example.com";

    /// What is served to whom: the origin, the site that the browser names, and whether it is.
    const TABLE: [(Option<&str>, Option<&str>, bool); 19] = [
        (None, None, true), // no browser
        (Some(OWN), None, true),
        (Some(OWN), Some("same-origin"), true),
        (Some(ALLOWED), None, true),
        (Some(ALLOWED), Some("same-site"), true),
        (Some(ALLOWED), Some("cross-site"), true),
        (None, Some("same-origin"), true),
        (None, Some("same-site"), true),
        (None, Some("none"), true),
        (None, Some("cross-site"), false),
        (Some(OWN), Some("cross-site"), false),
        (Some("null"), None, false),
        (Some(""), None, false),
        (Some("https://evil.example"), None, false),
        (Some("https://evil.example"), Some("same-origin"), false),
        (Some("http://127.0.0.1"), None, false),
        (Some("https://127.0.0.1:8080"), None, false),
        (Some("http://127.0.0.1:8080.evil.example"), None, false),
        (Some("https://app.example.com:8443"), None, false),
    ];

    #[tokio::test]
    async fn no_page_of_another_site_refreshes_or_logs_out() {
        let allowed = settings("cors_origins", ALLOWED).cors_origins;
        let speaker = registered().await.after(|settings| settings.cors_origins = allowed);
        for (origin, site, is_served) in TABLE {
            for path in ["/api/auth/refresh", "/api/auth/logout"] {
                let login = log_in(&speaker).await;
                let bearer = format!("Bearer {}", login.token);
                let mut headers = vec![("cookie", login.cookie.as_str()), ("authorization", bearer.as_str())];
                headers.extend(origin.map(|origin| ("origin", origin)));
                headers.extend(site.map(|site| ("sec-fetch-site", site)));
                let answer = post(&speaker, path, &headers).await;
                if is_served {
                    assert_eq!(answer.status, StatusCode::OK, "{path} {origin:?} {site:?}");
                } else {
                    assert_says(&answer, 403, FORBIDDEN);
                    assert!(!answer.has_header("set-cookie"), "another site clears no cookie");
                    assert_eq!(refresh(&speaker, &login.cookie).await.status, StatusCode::OK);
                }
            }
        }
    }

    #[tokio::test]
    async fn without_the_setting_no_other_origin_is_served() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", ALLOWED)];
        assert_says(&post(&speaker, "/api/auth/refresh", &headers).await, 403, FORBIDDEN);
    }

    #[tokio::test]
    async fn two_origins_are_none_of_ours() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", OWN), ("origin", OWN)];
        assert_says(&post(&speaker, "/api/auth/refresh", &headers).await, 403, FORBIDDEN);
    }
}

mod logging_out {
    use super::*;

    #[tokio::test]
    async fn a_token_alone_ends_its_session() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        let answer = log_out(&speaker, Some(&login.token), None).await;
        assert_says(&answer, 200, LOGGED_OUT);
        assert_eq!(answer.header("set-cookie"), FORGOTTEN);
        assert_eq!(refresh(&speaker, &login.cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_token_and_a_cookie_of_two_sessions_end_both_and_no_third() {
        let speaker = registered().await;
        let (one, other, third) = (log_in(&speaker).await, log_in(&speaker).await, log_in(&speaker).await);
        assert_says(&log_out(&speaker, Some(&one.token), Some(&other.cookie)).await, 200, LOGGED_OUT);
        for ended in [one, other] {
            assert_eq!(refresh(&speaker, &ended.cookie).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(speaker.get("/api/user", Some(&ended.token)).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(refresh(&speaker, &third.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_token_that_has_expired_serves_beside_the_cookie_of_its_session() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        speaker.world.clock.advance(Duration::from_secs(906));
        let answer = log_out(&speaker, Some(&login.token), Some(&login.cookie)).await;
        assert_says(&answer, 200, LOGGED_OUT);
        assert_eq!(answer.header("set-cookie"), FORGOTTEN);
        assert_eq!(refresh(&speaker, &login.cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_token_that_has_expired_does_not_serve_otherwise_but_the_cookie_is_cleared() {
        let speaker = registered().await;
        let (login, other) = (log_in(&speaker).await, log_in(&speaker).await);
        speaker.world.clock.advance(Duration::from_secs(906));
        for cookie in [None, Some("refresh_token=ref_nonsense"), Some(other.cookie.as_str())] {
            let answer = log_out(&speaker, Some(&login.token), cookie).await;
            assert_says(&answer, 401, UNAUTHORIZED);
            assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
            assert_eq!(answer.header("set-cookie"), FORGOTTEN);
        }
        for live in [login, other] {
            assert_eq!(refresh(&speaker, &live.cookie).await.status, StatusCode::OK, "nobody was logged out");
        }
    }

    #[tokio::test]
    async fn without_a_token_that_serves_the_cookie_is_cleared_and_no_session_ends() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        for (token, challenge) in [(None, "Bearer"), (Some("nonsense"), r#"Bearer error="invalid_token""#)] {
            let answer = log_out(&speaker, token, Some(&login.cookie)).await;
            assert_says(&answer, 401, UNAUTHORIZED);
            assert_eq!(answer.header("www-authenticate"), challenge);
            assert_eq!(answer.header("set-cookie"), FORGOTTEN);
        }
        assert_eq!(refresh(&speaker, &login.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn logging_out_twice_says_401_the_second_time() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        assert_says(&log_out(&speaker, Some(&login.token), Some(&login.cookie)).await, 200, LOGGED_OUT);
        let again = log_out(&speaker, Some(&login.token), Some(&login.cookie)).await;
        assert_says(&again, 401, UNAUTHORIZED);
        assert_eq!(again.header("set-cookie"), FORGOTTEN);
    }

    #[tokio::test]
    async fn an_expired_token_beside_a_replayed_cookie_ends_the_session_for_the_replay() {
        let speaker = registered().await;
        let login = log_in(&speaker).await;
        let next = refresh(&speaker, &login.cookie).await;
        speaker.world.clock.advance(Duration::from_secs(906));
        let answer = log_out(&speaker, Some(&login.token), Some(&login.cookie)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("set-cookie"), FORGOTTEN);
        assert_eq!(refresh(&speaker, pair(&next)).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_users_other_sessions_go_on() {
        let speaker = registered().await;
        let (login, other) = (log_in(&speaker).await, log_in(&speaker).await);
        assert_says(&log_out(&speaker, Some(&login.token), Some(&login.cookie)).await, 200, LOGGED_OUT);
        assert_eq!(refresh(&speaker, &other.cookie).await.status, StatusCode::OK);
        assert_eq!(speaker.get("/api/user", Some(&other.token)).await.status, StatusCode::OK);
    }
}
