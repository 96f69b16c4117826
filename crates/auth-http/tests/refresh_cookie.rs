//! The refresh cookie of the dialect `cookie`: its attributes for each public URL, the sites that may use it, and its
//! removal by a logout.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_http::origin::PublicUrl;
use auth_http::settings::{Flag, Settings, Sources};
use auth_http::wiring;
use support::{TestApp, TestResponse, TestUser, assert_response};

const JOHN: &str = r#"{"username":"john_doe","password":"P@ssw0rd!"}"#;
const LOGGED_OUT: &str = r#"{"message":"Logged out successfully."}"#;
const UNAUTHORIZED: &str = r#"{"message":"Invalid, expired or missing access token."}"#;
const CLEARED_COOKIE: &str = "refresh_token=; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=0";
const TWO_WEEKS: u64 = 14 * 24 * 3_600;

fn settings(key: &str, value: &str) -> Settings {
    let flags = vec![Flag { name: "--set", key: key.to_owned(), value: value.to_owned() }];
    wiring::load_settings(&Sources { flags, ..Sources::default() }).expect("settings")
}

fn public_url(url: &str) -> PublicUrl {
    settings("public_url", url).public_url
}

const JOHN_DOE: TestUser =
    TestUser { registration: ("/api/auth/register", JOHN), login: ("/api/auth/login", JOHN) };

struct Login {
    token: String,
    cookie: String,
}

async fn log_in(app: &TestApp) -> Login {
    let response = JOHN_DOE.log_in(app).await;
    Login { token: response.string_at("/data/token"), cookie: response.cookie().to_owned() }
}

/// The attributes of the cookie.
fn attributes(response: &TestResponse) -> &str {
    response.header("set-cookie").split_once("; ").expect("attributes").1
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> TestResponse {
    app.send_with_headers(Method::POST, path, headers, None).await
}

async fn refresh(app: &TestApp, cookie: &str) -> TestResponse {
    post(app, "/api/auth/refresh", &[("cookie", cookie)]).await
}

async fn log_out(app: &TestApp, token: Option<&str>, cookie: Option<&str>) -> TestResponse {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = Vec::new();
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    headers.extend(cookie.map(|cookie| ("cookie", cookie)));
    post(app, "/api/auth/logout", &headers).await
}

mod attributes {
    use super::*;

    #[tokio::test]
    async fn cookie_is_secure_unless_the_public_url_is_loopback_http() {
        for (url, name, secure) in [
            ("http://127.0.0.1:8080", "refresh_token=", ""),
            ("http://[::1]:8080", "refresh_token=", ""),
            ("http://localhost:8080", "refresh_token=", ""),
            ("https://auth.example.com", "__Secure-refresh_token=", "; Secure"),
            ("https://localhost:8443", "__Secure-refresh_token=", "; Secure"),
            ("http://auth.example.com", "__Secure-refresh_token=", "; Secure"),
        ] {
            let app =
                JOHN_DOE.registered().await.with_settings(|settings| settings.public_url = public_url(url));
            let login = app.post("/api/auth/login", JOHN).await;
            let refreshed = refresh(&app, login.cookie()).await;
            let expected = format!("HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age={TWO_WEEKS}{secure}");
            for response in [&login, &refreshed] {
                assert_eq!(response.status, StatusCode::OK, "{url}");
                assert!(
                    response.cookie().starts_with(&format!("{name}ref_")),
                    "{url}: {}",
                    response.cookie()
                );
                assert_eq!(super::attributes(response), expected, "{url}");
            }
            let cleared = log_out(&app, None, None).await;
            let expected = format!("{name}; HttpOnly; SameSite=Strict; Path=/api/auth; Max-Age=0{secure}");
            assert_eq!(cleared.header("set-cookie"), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn behind_tls_an_unprefixed_cookie_is_ignored() {
        let url = public_url("https://auth.example.com");
        let app = JOHN_DOE.registered().await.with_settings(|settings| settings.public_url = url);
        let login = log_in(&app).await;
        let unprefixed = login.cookie.trim_start_matches("__Secure-");
        assert_eq!(refresh(&app, unprefixed).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn cookie_path_follows_the_prefix() {
        let moved = settings("dialects.cookie.prefix", "/moved/api");
        let app = TestApp::new().with_settings(|settings| *settings = moved);
        assert_eq!(app.post("/moved/api/auth/register", JOHN).await.status, StatusCode::CREATED);
        let login = app.post("/moved/api/auth/login", JOHN).await;
        assert!(super::attributes(&login).contains("; Path=/moved/api/auth; "));
    }

    #[tokio::test]
    async fn cookie_expires_with_the_session() {
        const DAY: u64 = 24 * 3_600;
        let app = JOHN_DOE.registered().await;
        let mut cookie = log_in(&app).await.cookie;
        for (days_later, days_left) in [(10, 14), (10, 10), (5, 5)] {
            app.ports.clock.advance(Duration::from_secs(days_later * DAY));
            let response = refresh(&app, &cookie).await;
            assert!(
                super::attributes(&response).ends_with(&format!("; Max-Age={}", days_left * DAY)),
                "{}",
                super::attributes(&response)
            );
            cookie = response.cookie().to_owned();
        }
        app.ports.clock.advance(Duration::from_secs(5 * DAY));
        assert_eq!(refresh(&app, &cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn cookie_is_found_among_others_unless_it_occurs_twice() {
        let app = JOHN_DOE.registered().await;
        let cookie = log_in(&app).await.cookie;
        let planted = format!("{cookie}; refresh_token=ref_planted");
        let twice = format!("{cookie}; {cookie}");
        for cookies in [&planted, &twice] {
            assert_eq!(refresh(&app, cookies).await.status, StatusCode::UNAUTHORIZED);
        }
        let lines = [("cookie", cookie.as_str()), ("cookie", "refresh_token=ref_planted")];
        assert_eq!(post(&app, "/api/auth/refresh", &lines).await.status, StatusCode::UNAUTHORIZED);
        let among_others = format!("theme=dark; {cookie}; my_refresh_token=1");
        assert_eq!(refresh(&app, &among_others).await.status, StatusCode::OK);
    }
}

mod cross_site {
    use super::*;

    const OWN: &str = "http://127.0.0.1:8080";
    const ALLOWED: &str = "https://app.example.com";

    /// `Origin`, `Sec-Fetch-Site`, and whether the request is served.
    const REQUESTS: [(Option<&str>, Option<&str>, bool); 23] = [
        (None, None, true), // no browser
        (Some(OWN), None, true),
        (Some(OWN), Some("same-origin"), true),
        (Some("http://localhost:8080"), Some("same-origin"), true),
        (Some("http://[::1]:8080"), None, true),
        (Some("http://localhost:8080"), Some("cross-site"), false),
        (Some("http://localhost:8081"), Some("same-origin"), false),
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

    /// The answer to a request with this `Origin`, with the reason.
    fn forbidden(origin: Option<&str>) -> String {
        let reason = match origin {
            None | Some(OWN | "http://localhost:8080") => "the page is of another site".to_owned(),
            Some("null") => {
                "the origin null is that of every file, data URL and sandboxed frame, and cannot be allowed"
                    .to_owned()
            }
            // The port ends the second one: browsers send no origin with something after it.
            Some("" | "http://127.0.0.1:8080.evil.example") => {
                "the Origin header is repeated or has not the form of an origin".to_owned()
            }
            Some(origin) => format!("the origin {origin} is neither that of public_url nor in cors_origins"),
        };
        format!(r#"{{"message":"Forbidden: {reason}."}}"#)
    }

    #[tokio::test]
    async fn other_sites_can_neither_refresh_nor_log_out() {
        let allowed = settings("cors_origins", ALLOWED).cors_origins;
        let app = JOHN_DOE.registered().await.with_settings(|settings| settings.cors_origins = allowed);
        for (origin, site, is_served) in REQUESTS {
            for path in ["/api/auth/refresh", "/api/auth/logout"] {
                let login = log_in(&app).await;
                let bearer = format!("Bearer {}", login.token);
                let mut headers = vec![("cookie", login.cookie.as_str()), ("authorization", bearer.as_str())];
                headers.extend(origin.map(|origin| ("origin", origin)));
                headers.extend(site.map(|site| ("sec-fetch-site", site)));
                let response = post(&app, path, &headers).await;
                if is_served {
                    assert_eq!(response.status, StatusCode::OK, "{path} {origin:?} {site:?}");
                } else {
                    assert_response(&response, 403, &forbidden(origin));
                    assert!(!response.has_header("set-cookie"), "another site must not clear the cookie");
                    assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::OK);
                }
            }
        }
    }

    #[tokio::test]
    async fn other_sites_cannot_log_in() {
        let allowed = settings("cors_origins", ALLOWED).cors_origins;
        let app = JOHN_DOE.registered().await.with_settings(|settings| settings.cors_origins = allowed);
        for (origin, site, is_served) in REQUESTS {
            for body in [Some(JOHN), Some(r#"{"username":"john_doe"}"#), Some("{"), None] {
                let mut headers = Vec::new();
                headers.extend(origin.map(|origin| ("origin", origin)));
                headers.extend(site.map(|site| ("sec-fetch-site", site)));
                let response = app.send_with_headers(Method::POST, "/api/auth/login", &headers, body).await;
                if is_served {
                    let expected = if body == Some(JOHN) { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                    assert_eq!(response.status, expected, "{origin:?} {site:?} {body:?}");
                } else {
                    assert_response(&response, 403, &forbidden(origin));
                    assert!(!response.has_header("set-cookie"), "another site must not set the cookie");
                }
            }
        }
    }

    #[tokio::test]
    async fn without_the_setting_other_origins_are_rejected() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", ALLOWED)];
        assert_response(&post(&app, "/api/auth/refresh", &headers).await, 403, &forbidden(Some(ALLOWED)));
    }

    #[tokio::test]
    async fn app_may_not_use_the_cookie_even_if_it_is_listed() {
        let allowed = settings("cors_origins", "capacitor://localhost").cors_origins;
        let app = JOHN_DOE.registered().await.with_settings(|settings| settings.cors_origins = allowed);
        let login = log_in(&app).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", "capacitor://localhost")];
        for path in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
            let response = app.send_with_headers(Method::POST, path, &headers, Some(JOHN)).await;
            let reason = "the origin capacitor://localhost is that of an app, which cannot use the cookie";
            assert_response(&response, 403, &format!(r#"{{"message":"Forbidden: {reason}."}}"#));
            assert!(!response.has_header("set-cookie"));
        }
    }

    #[tokio::test]
    async fn configured_loopback_url_is_one_exact_origin() {
        let app = JOHN_DOE.registered().await;
        let app = app.with_settings(|settings| settings.public_url = public_url(OWN));
        let login = log_in(&app).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", "http://localhost:8080")];
        assert_eq!(post(&app, "/api/auth/refresh", &headers).await.status, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn two_origin_headers_are_rejected() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let headers = [("cookie", login.cookie.as_str()), ("origin", OWN), ("origin", OWN)];
        assert_response(&post(&app, "/api/auth/refresh", &headers).await, 403, &forbidden(Some("")));
    }
}

mod logging_out {
    use super::*;

    #[tokio::test]
    async fn access_token_alone_ends_its_session() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let response = log_out(&app, Some(&login.token), None).await;
        assert_response(&response, 200, LOGGED_OUT);
        assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
        assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn token_and_cookie_of_two_sessions_end_only_these_two() {
        let app = JOHN_DOE.registered().await;
        let (one, other, third) = (log_in(&app).await, log_in(&app).await, log_in(&app).await);
        assert_response(&log_out(&app, Some(&one.token), Some(&other.cookie)).await, 200, LOGGED_OUT);
        for ended in [one, other] {
            assert_eq!(refresh(&app, &ended.cookie).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(app.get("/api/user", Some(&ended.token)).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(refresh(&app, &third.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn expired_token_logs_out_with_the_cookie_of_its_session() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        app.ports.clock.advance(Duration::from_secs(906));
        let response = log_out(&app, Some(&login.token), Some(&login.cookie)).await;
        assert_response(&response, 200, LOGGED_OUT);
        assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
        assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn expired_token_without_its_cookie_does_not_end_its_session() {
        let app = JOHN_DOE.registered().await;
        let (login, other) = (log_in(&app).await, log_in(&app).await);
        app.ports.clock.advance(Duration::from_secs(906));
        for cookie in [None, Some("refresh_token=ref_nonsense"), Some(other.cookie.as_str())] {
            let response = log_out(&app, Some(&login.token), cookie).await;
            assert_response(&response, 401, UNAUTHORIZED);
            assert_eq!(response.header("www-authenticate"), r#"Bearer error="invalid_token""#);
            assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
        }
        assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::OK, "the session must stay");
        assert_eq!(
            refresh(&app, &other.cookie).await.status,
            StatusCode::UNAUTHORIZED,
            "its cookie was cleared"
        );
    }

    #[tokio::test]
    async fn failed_logout_ends_the_session_of_the_cookie_it_clears() {
        let app = JOHN_DOE.registered().await;
        for (token, challenge) in [(None, "Bearer"), (Some("nonsense"), r#"Bearer error="invalid_token""#)] {
            let (login, other) = (log_in(&app).await, log_in(&app).await);
            let response = log_out(&app, token, Some(&login.cookie)).await;
            assert_response(&response, 401, UNAUTHORIZED);
            assert_eq!(response.header("www-authenticate"), challenge);
            assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
            assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(app.get("/api/user", Some(&login.token)).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(refresh(&app, &other.cookie).await.status, StatusCode::OK, "no other session ends");
        }
    }

    #[tokio::test]
    async fn logout_with_a_used_cookie_ends_its_session() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let next = refresh(&app, &login.cookie).await;
        assert_response(&log_out(&app, None, Some(&login.cookie)).await, 401, UNAUTHORIZED);
        assert_eq!(refresh(&app, next.cookie()).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn logout_ends_the_session_of_each_of_several_cookies() {
        let app = JOHN_DOE.registered().await;
        for with_token in [false, true] {
            let (one, other, third) = (log_in(&app).await, log_in(&app).await, log_in(&app).await);
            let cookies = format!("{}; {}; refresh_token=ref_planted", one.cookie, other.cookie);
            let token = with_token.then_some(third.token.as_str());
            let response = log_out(&app, token, Some(&cookies)).await;
            assert_eq!(response.status.as_u16(), if with_token { 200 } else { 401 });
            assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
            for ended in [one, other] {
                assert_eq!(refresh(&app, &ended.cookie).await.status, StatusCode::UNAUTHORIZED);
            }
        }
    }

    #[tokio::test]
    async fn logout_with_too_many_cookies_changes_nothing() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let cookies = [login.cookie.as_str(); 5].join("; ");
        let response = log_out(&app, Some(&login.token), Some(&cookies)).await;
        assert_response(&response, 400, r#"{"message":"Bad request."}"#);
        assert!(!response.has_header("set-cookie"));
        assert_eq!(refresh(&app, &login.cookie).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn second_logout_returns_401() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        assert_response(&log_out(&app, Some(&login.token), Some(&login.cookie)).await, 200, LOGGED_OUT);
        let again = log_out(&app, Some(&login.token), Some(&login.cookie)).await;
        assert_response(&again, 401, UNAUTHORIZED);
        assert_eq!(again.header("set-cookie"), CLEARED_COOKIE);
    }

    #[tokio::test]
    async fn replayed_cookie_at_logout_ends_its_session() {
        let app = JOHN_DOE.registered().await;
        let login = log_in(&app).await;
        let next = refresh(&app, &login.cookie).await;
        app.ports.clock.advance(Duration::from_secs(906));
        let response = log_out(&app, Some(&login.token), Some(&login.cookie)).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert_eq!(response.header("set-cookie"), CLEARED_COOKIE);
        assert_eq!(refresh(&app, next.cookie()).await.status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn other_sessions_survive_a_logout() {
        let app = JOHN_DOE.registered().await;
        let (login, other) = (log_in(&app).await, log_in(&app).await);
        assert_response(&log_out(&app, Some(&login.token), Some(&login.cookie)).await, 200, LOGGED_OUT);
        assert_eq!(refresh(&app, &other.cookie).await.status, StatusCode::OK);
        assert_eq!(app.get("/api/user", Some(&other.token)).await.status, StatusCode::OK);
    }
}
