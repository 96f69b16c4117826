//! Rules that hold on every route. The routes come from the dialects' own tables.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use auth_http::dialects::{ALL, Dialect, Endpoint, Route};
use e2e::{Response, TestData, TestServer, command};

/// The system routes, which answer GET and HEAD.
const SYSTEM_PATHS: [&str; 4] = ["/", "/health/live", "/health/ready", "/.well-known/jwks.json"];

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A route of a dialect, with the API key that its callers need.
struct TestRoute {
    dialect: &'static dyn Dialect,
    route: &'static Route,
    path: String,
    key: Option<String>,
}

impl TestRoute {
    fn name(&self) -> String {
        format!("{} {} of {}", self.route.method, self.path, self.dialect.profile().name)
    }

    fn takes_a_body(&self) -> bool {
        let name = self.dialect.profile().name;
        let is_bare = name == "cookie" && matches!(self.route.endpoint, Endpoint::Refresh | Endpoint::LogOut);
        !is_bare && matches!(self.route.method.as_str(), "POST" | "PUT")
    }

    fn send(&self, server: &TestServer, method: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let key = self.key.iter().map(|key| ("X-API-Key", key.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(key).collect();
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{body}",
            self.path,
            body.len(),
            lines.concat(),
        );
        e2e::send_raw(server.base(), head.as_bytes())
            .unwrap_or_else(|| panic!("no answer to {}", self.name()))
    }
}

/// Every route of every dialect, where it is by default.
fn test_routes(data: &TestData) -> Vec<TestRoute> {
    let made = command(data)
        .args([
            "api-key",
            "create",
            "--name",
            "every route",
            "--scope",
            "users:read,users:write,users:roles,auth",
        ])
        .output()
        .expect("run");
    let key = String::from_utf8(made.stdout).expect("text").trim().lines().last().expect("a key").to_owned();
    let test_routes = ALL.into_iter().flat_map(|dialect| {
        let profile = dialect.profile();
        let key = (profile.name == "directory").then(|| key.clone());
        dialect.routes().iter().map(move |route| {
            let path = route.path.replace("{user_id}", "00000000-0000-7000-8000-000000000000");
            TestRoute { dialect, route, path: format!("{}{path}", profile.prefix), key: key.clone() }
        })
    });
    test_routes.collect()
}

/// What every answer has, and what none has. It must not be cached.
fn assert_hardened(response: &Response, what: &str) {
    assert_hardened_with(response, "no-store", what);
}

/// As [`assert_hardened`], with this rule for caches.
fn assert_hardened_with(response: &Response, caching: &str, what: &str) {
    for (name, value) in [
        ("cache-control", caching),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name} of {what}: {response:?}");
    }
    let policy = response.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{what}: {response:?}");
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {response:?}");
    assert!(response.header("x-request-id").is_some_and(|id| id.len() == 16), "{what}: {response:?}");
    for name in ["server", "x-powered-by", "strict-transport-security"] {
        assert_eq!(response.header(name), None, "{name} of {what}: {response:?}");
    }
}

/// A refusal: hardened, and in the envelope of the dialects, which is a JSON object with one text that says what it is.
fn assert_refused(response: &Response, status: u16, what: &str) {
    assert_eq!(response.status, status, "{what}: {response:?}");
    assert_hardened(response, what);
    assert_eq!(response.header("content-type"), Some("application/json"), "{what}: {response:?}");
    let body = response.json();
    let text = body.get("error").or_else(|| body.get("message")).and_then(|text| text.as_str());
    assert!(text.is_some_and(|text| !text.is_empty()), "{what}: {response:?}");
}

#[test]
fn every_route_sends_the_security_headers() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for route_case in test_routes(&data) {
        let response = route_case.send(&server, route_case.route.method.as_str(), &[], "");
        assert_hardened(&response, &route_case.name());
        assert!((400..500).contains(&response.status), "{}: {response:?}", route_case.name());
    }
    for path in SYSTEM_PATHS {
        let response = server.client().get(path, None);
        assert_eq!(response.status, 200, "{path}");
        // Pages and public keys contain nothing of a user.
        let caching = match path {
            "/" => "no-cache",
            "/.well-known/jwks.json" => "public, max-age=300",
            _ => "no-store",
        };
        assert_hardened_with(&response, caching, path);
    }
}

#[test]
fn every_route_lists_its_methods_in_allow() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for route_case in test_routes(&data) {
        for method in ["PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
            let response = route_case.send(&server, method, &[], "");
            assert_refused(&response, 405, &format!("{method} at {}", route_case.name()));
            let allowed = response.header("allow").expect("Allow");
            let allowed: Vec<_> = allowed.split(", ").collect();
            assert!(
                allowed.contains(&route_case.route.method.as_str()),
                "{}: {allowed:?}",
                route_case.name()
            );
            assert_eq!(
                allowed.contains(&"GET"),
                allowed.contains(&"HEAD"),
                "{}: {allowed:?}",
                route_case.name()
            );
        }
    }
    for path in SYSTEM_PATHS {
        let response = server.client().send("POST", path, &[], "{}");
        assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")), "{path}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{path}");
        assert_hardened(&response, path);
    }
}

#[test]
fn every_body_is_bounded_and_must_be_one_json_object() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let test_routes = test_routes(&data);
    for route_case in test_routes.iter().filter(|route_case| route_case.takes_a_body()) {
        let method = route_case.route.method.as_str();
        let large = format!("{{\"a\":\"{}\"}}", "a".repeat(16 * 1_024));
        for (what, headers, body, status) in [
            ("a large body", vec![JSON], large.as_str(), 413),
            ("a form", vec![("Content-Type", "application/x-www-form-urlencoded")], "a=b", 415),
            ("no type", vec![], "{}", 415),
            ("no body", vec![JSON], "", 400),
            ("half an object", vec![JSON], "{", 400),
            ("an array", vec![JSON], "[\"john_doe\",\"P@ssw0rd!\"]", 400),
            ("a doubled member", vec![JSON], "{\"password\":\"a\",\"password\":\"b\"}", 400),
            ("a mark of the byte order", vec![JSON], "\u{feff}{}", 400),
            ("trailing data", vec![JSON], "{} {}", 400),
            ("two types", vec![JSON, JSON], "{}", 400),
        ] {
            let response = route_case.send(&server, method, &headers, body);
            assert_refused(&response, status, &format!("{what} to {}", route_case.name()));
        }
    }
}

#[test]
fn routes_reject_two_authorizations_and_query_tokens() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let token = {
        assert_eq!(server.client().register("john_doe").status, 201);
        server.client().log_in("john_doe").member("acc_token")
    };
    for mut route_case in test_routes(&data) {
        let bearer = format!("Bearer {token}");
        let twice = [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str()), JSON];
        let response = route_case.send(&server, route_case.route.method.as_str(), &twice, "");
        assert_refused(&response, 400, &format!("two authorizations at {}", route_case.name()));
        if matches!(route_case.route.endpoint, Endpoint::Me | Endpoint::ProtectedResource) {
            route_case.path = format!("{}?access_token={token}&token={token}", route_case.path);
            let response = route_case.send(&server, "GET", &[], "");
            assert_refused(&response, 401, &format!("a token in the query of {}", route_case.name()));
            assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{}", route_case.name());
        }
    }
}

#[test]
fn https_responses_send_hsts_for_two_years() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_PUBLIC_URL", "https://auth.example.com")]);
    for path in ["/", "/health/live", "/v1/protected/resource", "/api/user", "/nowhere"] {
        let response = server.client().get(path, None);
        assert_eq!(response.header("strict-transport-security"), Some("max-age=63072000"), "{path}");
    }
}
