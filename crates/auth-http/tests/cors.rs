//! CORS: preflights and responses for pages of listed and of other origins, over the complete app.

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

/// A response whose headers a test reads.
struct CorsResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl CorsResponse {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The items of a comma-separated header, sorted.
    fn list(&self, name: &str) -> Vec<String> {
        let list = self.header(name).unwrap_or_default();
        let mut items: Vec<_> = list.split(',').map(|item| item.trim().to_ascii_lowercase()).collect();
        items.sort();
        items
    }
}

/// Sends a request to an app with this value of `cors_origins`.
async fn send(origins: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> CorsResponse {
    send_with(&[("cors_origins", origins)], method, path, headers).await
}

/// Sends a request to an app with these settings.
async fn send_with(
    settings: &[(&str, &str)],
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> CorsResponse {
    let flag = |(key, value): &(&str, &str)| Flag {
        name: "--set",
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    let flags = settings.iter().map(flag).collect();
    let settings = wiring::load_settings(&Sources { flags, ..Sources::default() }).expect("settings");
    let router = Arc::new(wiring::router(&settings, &TestPorts::new().auth()));
    let observer =
        Arc::new(server::Observer::new(settings.trusted_proxies.clone(), false, &SeededRandom::default()));
    let app = server::app(&observer, &router).configure(|app| router.configure(app));
    let request = TestRequest::with_uri(path).method(method).insert_header(("host", "localhost"));
    let request = headers.iter().fold(request, |request, header| request.append_header(*header));
    let response = request.send_request(&init_service(app).await).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let Ok(body) = response.into_body().try_into_bytes() else { panic!("a streamed body") };
    CorsResponse { status, headers, body: String::from_utf8(body.to_vec()).expect("UTF-8") }
}

async fn preflight(origins: &str, path: &str, origin: &str, method: &str, headers: &str) -> CorsResponse {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    send(origins, Method::OPTIONS, path, &headers).await
}

#[tokio::test]
async fn listed_origin_may_use_every_dialect_with_the_cookie() {
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
        let response = preflight(APP, path, APP, method, headers).await;
        assert_eq!(response.status, StatusCode::OK, "{path}");
        assert_eq!(response.header("access-control-allow-origin"), Some(APP));
        assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(response.header("access-control-max-age"), Some("600"));
        assert_eq!(response.list("access-control-allow-methods"), ["delete", "get", "head", "post", "put"]);
        assert_eq!(
            response.list("access-control-allow-headers"),
            [
                "authorization",
                "baggage",
                "content-type",
                "sentry-trace",
                "traceparent",
                "tracestate",
                "x-api-key"
            ]
        );
        assert!(response.list("vary").contains(&"origin".to_owned()));
    }
}

#[tokio::test]
async fn listed_origin_can_read_the_response_and_its_headers() {
    let response = send(APP, Method::GET, "/api/user", &[("origin", APP)]).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert_eq!(response.header("access-control-allow-origin"), Some(APP));
    assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(
        response.list("access-control-expose-headers"),
        ["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"]
    );
    assert!(response.list("vary").contains(&"origin".to_owned()));
}

#[tokio::test]
async fn listed_origin_is_echoed_without_a_wildcard() {
    let origins = "https://app.example.com,http://localhost:5173";
    for origin in ["https://app.example.com", "http://localhost:5173"] {
        let response = preflight(origins, "/api/auth/login", origin, "POST", "content-type").await;
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    }
}

#[tokio::test]
async fn other_origins_fail_the_preflight_and_cannot_read() {
    for origin in ["https://evil.example", "http://app.example.com", "https://app.example.com:8443", "null"] {
        let response = preflight(APP, "/api/auth/login", origin, "POST", "content-type").await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(response.header("access-control-allow-origin"), None);
        let response = send(APP, Method::GET, "/api/user", &[("origin", origin)]).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "without CORS headers");
        assert_eq!(response.header("access-control-allow-origin"), None);
        assert!(response.list("vary").contains(&"origin".to_owned()), "a cache must not mix up origins");
    }
}

#[tokio::test]
async fn listed_origin_may_not_use_other_methods_or_headers() {
    for (method, headers) in [("PATCH", "content-type"), ("POST", "x-other")] {
        let response = preflight(APP, "/api/auth/login", APP, method, headers).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN);
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
}

/// The answers to a rejected preflight. Each dialect whose document leaves the text open names the reason.
fn rejections(reason: &str) -> [(&'static str, String); 6] {
    [
        ("/v1/auth/login", r#"{"error":"Forbidden."}"#.to_owned()),
        ("/api/v1/users", format!(r#"{{"error":"Forbidden: {reason}."}}"#)),
        ("/api/v1/auth/login", r#"{"error":"Forbidden"}"#.to_owned()),
        ("/api/auth/login", format!(r#"{{"message":"Forbidden: {reason}."}}"#)),
        ("/api/nothing", format!(r#"{{"message":"Forbidden: {reason}."}}"#)),
        (
            "/nothing",
            format!(
                r#"{{"type":"about:blank","title":"Forbidden","status":403,"detail":"Forbidden: {reason}."}}"#
            ),
        ),
    ]
}

#[tokio::test]
async fn rejected_preflight_has_the_reason_in_the_format_of_the_path() {
    for (origin, method, headers, reason) in [
        (
            "https://evil.example",
            "POST",
            "content-type",
            "the origin https://evil.example is neither that of public_url nor in cors_origins",
        ),
        (
            "null",
            "POST",
            "content-type",
            "the origin null is that of every file, data URL and sandboxed frame, and cannot be allowed",
        ),
        ("\u{e4}", "POST", "content-type", "the Origin header is repeated or has not the form of an origin"),
        (
            "https://a/?s3cret",
            "POST",
            "content-type",
            "the Origin header is repeated or has not the form of an origin",
        ),
        (APP, "PATCH", "content-type", "the requested method is not allowed to pages of other origins"),
        (APP, "POST", "x-other", "a requested header is not in cors_headers"),
        (APP, "POST", "no header", "a requested header is not in cors_headers"),
    ] {
        for (path, body) in rejections(reason) {
            let response = preflight(APP, path, origin, method, headers).await;
            assert_eq!((response.status.as_u16(), response.body), (403, body), "{origin} {method} {headers}");
            let kind = response.headers.get("content-type").and_then(|kind| kind.to_str().ok());
            assert!(kind.is_some_and(|kind| kind.ends_with("json")));
        }
    }
}

#[tokio::test]
async fn page_of_an_app_may_use_every_dialect_without_the_cookie() {
    const APPS: &str = "capacitor://localhost,tauri://localhost,http://tauri.localhost,app://.";
    for origin in APPS.split(',') {
        let is_site = origin.starts_with("http");
        for (path, is_bearer) in [
            ("/v1/auth/login", true),
            ("/api/v1/users", true),
            ("/api/v1/auth/login", true),
            ("/api/v1/auth/me", true),
            ("/api/auth/login", false),
            ("/api/user", false),
        ] {
            let response = preflight(APPS, path, origin, "POST", "authorization,content-type").await;
            let expected = if is_bearer || is_site { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(response.status, expected, "{origin} {path}");
            let allowed = response.header("access-control-allow-origin");
            assert_eq!(allowed, (expected == StatusCode::OK).then_some(origin), "{origin} {path}");
        }
        let response = send(APPS, Method::GET, "/v1/protected/resource", &[("origin", origin)]).await;
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    }
}

#[tokio::test]
async fn listed_origin_may_send_trace_headers_and_configured_ones() {
    let settings = [("cors_origins", APP), ("cors_headers", "X-Request-Id,x-b3-traceid")];
    let sent = "authorization,sentry-trace,baggage,traceparent,tracestate";
    for (settings, headers, is_allowed) in [
        (&settings[..1], sent.to_owned(), true),
        (&settings[..1], format!("{sent},x-request-id"), false),
        (&settings[..], format!("{sent},x-request-id,X-B3-TraceId"), true),
        (&settings[..], "x-b3-spanid".to_owned(), false),
    ] {
        let preflight = [
            ("origin", APP),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", headers.as_str()),
        ];
        let response = send_with(settings, Method::OPTIONS, "/api/v1/auth/login", &preflight).await;
        assert_eq!(response.status == StatusCode::OK, is_allowed, "{headers}");
    }
}

#[tokio::test]
async fn loopback_names_are_one_origin_while_the_url_is_the_default() {
    for (settings, is_allowed) in [
        (&[("cors_origins", APP)][..], true),
        (&[("cors_origins", APP), ("public_url", "http://127.0.0.1:8080")], false),
    ] {
        let headers = [("origin", "http://localhost:8080"), ("access-control-request-method", "GET")];
        let response = send_with(settings, Method::OPTIONS, "/api/user", &headers).await;
        assert_eq!(response.status == StatusCode::OK, is_allowed);
    }
}

#[tokio::test]
async fn options_request_without_preflight_headers_returns_405() {
    for origins in ["", APP] {
        for headers in
            [&[][..], &[("origin", APP)], &[("origin", APP), ("access-control-request-method", " ")]]
        {
            let response = send(origins, Method::OPTIONS, "/api/auth/login", headers).await;
            assert_eq!(
                (response.status.as_u16(), response.body.as_str()),
                (405, r#"{"message":"Method not allowed."}"#)
            );
            assert_eq!(response.header("allow"), Some("POST"));
        }
    }
}

#[tokio::test]
async fn preflight_has_security_headers_and_a_request_id() {
    for origin in [APP, "https://evil.example"] {
        let response = preflight(APP, "/api/auth/login", origin, "POST", "content-type").await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(response.header(name), Some(value));
        }
        assert!(response.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn without_the_setting_there_are_no_cors_headers() {
    let response = preflight("", "/api/auth/login", APP, "POST", "content-type").await;
    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.header("allow"), Some("POST"));
    assert_eq!(response.body, r#"{"message":"Method not allowed."}"#);
    for response in [response, send("", Method::GET, "/api/user", &[("origin", APP)]).await] {
        assert_eq!(response.header("access-control-allow-origin"), None);
        assert_eq!(response.header("access-control-allow-credentials"), None);
        assert_eq!(response.header("vary"), None);
    }
}
