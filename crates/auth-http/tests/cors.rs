//! Which pages of other origins browsers are told to let use the service, over the app as it is served.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::sync::Arc;

use actix_web::body::MessageBody as _;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use auth_domain::testing::{SeededRandom, TestPorts};
use auth_http::settings::{Flag, Sources};
use auth_http::{server, wiring};

const APP: &str = "https://app.example.com";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The items of a list, in whatever order.
    fn list(&self, name: &str) -> Vec<String> {
        let list = self.header(name).unwrap_or_default();
        let mut items: Vec<_> = list.split(',').map(|item| item.trim().to_ascii_lowercase()).collect();
        items.sort();
        items
    }
}

/// What a service says that serves the browsers of `origins`.
async fn ask(origins: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let flags = vec![Flag { name: "--set", key: "cors_origins".to_owned(), value: origins.to_owned() }];
    let settings = wiring::load_settings(&Sources { flags, ..Sources::default() }).expect("settings");
    let router = Arc::new(wiring::router(&settings, &TestPorts::new().auth()));
    let observer =
        Arc::new(server::Observer::new(settings.trusted_proxies.clone(), false, &SeededRandom::default()));
    let app = server::app(&observer, &settings.cors_origins, &router).configure(|app| router.configure(app));
    let request = TestRequest::with_uri(path).method(method);
    let request = headers.iter().fold(request, |request, header| request.append_header(*header));
    let response = request.send_request(&init_service(app).await).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let Ok(body) = response.into_body().try_into_bytes() else { panic!("a streamed answer") };
    Answer { status, headers, body: String::from_utf8(body.to_vec()).expect("UTF-8") }
}

async fn preflight(origins: &str, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let asked = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    ask(origins, Method::OPTIONS, path, &asked).await
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_use_every_dialect_with_the_cookie() {
    for (path, method) in [
        ("/v1/auth/login", "POST"),
        ("/v1/protected/resource", "GET"),
        ("/api/v1/users/0198a0b0-0000-7000-8000-000000000000", "PUT"),
        ("/api/v1/users/0198a0b0-0000-7000-8000-000000000000", "DELETE"),
        ("/api/v1/auth/me", "GET"),
        ("/api/auth/refresh", "POST"),
        ("/api/user", "GET"),
    ] {
        let headers = "authorization,content-type,x-api-key";
        let answer = preflight(APP, path, APP, method, headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(answer.list("access-control-allow-methods"), ["delete", "get", "head", "post", "put"]);
        assert_eq!(
            answer.list("access-control-allow-headers"),
            ["authorization", "content-type", "x-api-key"]
        );
        assert!(answer.list("vary").contains(&"origin".to_owned()));
    }
}

#[tokio::test]
async fn an_answer_to_a_listed_origin_can_be_read_and_says_which_headers() {
    let answer = ask(APP, Method::GET, "/api/user", &[("origin", APP)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(
        answer.list("access-control-expose-headers"),
        ["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"]
    );
    assert!(answer.list("vary").contains(&"origin".to_owned()));
}

#[tokio::test]
async fn each_listed_origin_is_answered_with_itself_and_never_with_a_wildcard() {
    let origins = "https://app.example.com,http://localhost:5173";
    for origin in ["https://app.example.com", "http://localhost:5173"] {
        let answer = preflight(origins, "/api/auth/login", origin, "POST", "content-type").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
}

#[tokio::test]
async fn a_page_of_any_other_origin_may_neither_ask_nor_read() {
    for origin in ["https://evil.example", "http://app.example.com", "https://app.example.com:8443", "null"] {
        let answer = preflight(APP, "/api/auth/login", origin, "POST", "content-type").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let answer = ask(APP, Method::GET, "/api/user", &[("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "answered as ever");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert!(answer.list("vary").contains(&"origin".to_owned()), "no cache takes this for a listed one");
    }
}

#[tokio::test]
async fn a_listed_origin_may_not_send_what_no_dialect_reads() {
    for (method, headers) in [("PATCH", "content-type"), ("POST", "x-other")] {
        let answer = preflight(APP, "/api/auth/login", APP, method, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn what_cors_refuses_is_in_the_words_of_whoever_is_at_the_path() {
    let refused = [
        ("https://evil.example", "POST", "content-type"),
        ("\u{e4}", "POST", "content-type"),
        (APP, "PATCH", "content-type"),
        (APP, "POST", "x-other"),
        (APP, "POST", "no header"),
    ];
    for (path, body) in [
        ("/v1/auth/login", r#"{"error":"Forbidden."}"#),
        ("/api/v1/users", r#"{"error":"Forbidden."}"#),
        ("/api/v1/auth/login", r#"{"error":"Forbidden"}"#),
        ("/api/auth/login", r#"{"message":"Forbidden."}"#),
        ("/api/nothing", r#"{"message":"Forbidden."}"#),
        ("/nothing", r#"{"type":"about:blank","title":"Forbidden","status":403}"#),
    ] {
        for (origin, method, headers) in refused {
            let answer = preflight(APP, path, origin, method, headers).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_str()),
                (403, body),
                "{origin} {method} {headers}"
            );
            assert!(answer.header("content-type").is_some_and(|kind| kind.ends_with("json")));
        }
    }
}

#[tokio::test]
async fn what_only_looks_like_a_preflight_is_another_method() {
    for origins in ["", APP] {
        for headers in
            [&[][..], &[("origin", APP)], &[("origin", APP), ("access-control-request-method", " ")]]
        {
            let answer = ask(origins, Method::OPTIONS, "/api/auth/login", headers).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_str()),
                (405, r#"{"message":"Method not allowed."}"#)
            );
            assert_eq!(answer.header("allow"), Some("POST"));
        }
    }
}

#[tokio::test]
async fn what_cors_answers_is_hardened_and_numbered_like_every_answer() {
    for origin in [APP, "https://evil.example"] {
        let answer = preflight(APP, "/api/auth/login", origin, "POST", "content-type").await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn without_the_setting_there_is_no_word_of_it() {
    let answer = preflight("", "/api/auth/login", APP, "POST", "content-type").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), Some("POST"));
    assert_eq!(answer.body, r#"{"message":"Method not allowed."}"#);
    for answer in [answer, ask("", Method::GET, "/api/user", &[("origin", APP)]).await] {
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_eq!(answer.header("vary"), None);
    }
}
