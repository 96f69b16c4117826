//! The first minute with the service, on every store.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::process::Command;

use e2e::{TestData, TestServer};

const EXPECTED: [(u16, &str); 4] = [
    (201, r#"{"message":"User registered successfully."}"#),
    (200, r#"{"acc_token":"<token>"}"#),
    (200, r#"{"data":"protected data"}"#),
    (200, r#"{"token":"<token>"}"#),
];

#[test]
fn user_registers_logs_in_opens_the_resource_and_refreshes() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        client.register("john").assert(EXPECTED[0].0, EXPECTED[0].1);
        let login = client.log_in("john@example.com");
        let token = login.member("acc_token");
        login.assert(EXPECTED[1].0, &EXPECTED[1].1.replace("<token>", &token));
        client.open(&token).assert(EXPECTED[2].0, EXPECTED[2].1);
        let refreshed = client.refresh(&token);
        let renewed = refreshed.member("token");
        refreshed.assert(EXPECTED[3].0, &EXPECTED[3].1.replace("<token>", &renewed));
        client.open(&renewed).assert(EXPECTED[2].0, EXPECTED[2].1);
    }
}

#[test]
fn failures_are_answered_as_documented() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        client.register("JOHN").assert(409, r#"{"error":"User already exists."}"#);
        client.log_in_with("john", "wrong").assert(401, r#"{"error":"Invalid credentials."}"#);
        client.log_in("unknown").assert(401, r#"{"error":"Invalid credentials."}"#);
        client.post("/v1/auth/register", "{").assert(400, r#"{"error":"Bad request."}"#);
        client.post("/v1/auth/register", "{}").assert(400, r#"{"error":"Invalid input data."}"#);
        client.get("/v1/nothing", None).assert(404, r#"{"error":"Not found."}"#);
        client.open("nonsense").assert(401, r#"{"error":"Invalid or missing token."}"#);
        client.refresh("nonsense").assert(401, r#"{"error":"Invalid token."}"#);
    }
}

/// Runs the tour of the README in a shell, with only the port replaced.
#[test]
fn readme_tour_works_when_pasted() {
    let readme = include_str!("../../../README.md");
    let tour =
        readme.split_once("<!-- tour:begin -->").and_then(|(_, rest)| rest.split_once("<!-- tour:end -->"));
    let (tour, _) = tour.expect("the README has a tour");
    for data in TestData::on_every_store() {
        paste(tour, &TestServer::start(&data));
    }
}

fn paste(tour: &str, server: &TestServer) {
    let lines = tour.lines().filter(|line| !line.starts_with("```"));
    let script = lines.collect::<Vec<_>>().join("\n").replace("http://127.0.0.1:8080", server.base());
    let output = Command::new("sh").arg("-c").arg(format!("exec 2>&1; {script}")).output().expect("a shell");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let statuses: Vec<_> = said.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect();
    assert_eq!(statuses, ["201", "200", "200", "200"], "{said}");
    for body in
        ["{\"message\":\"User registered successfully.\"}", "{\"data\":\"protected data\"}", "{\"token\":\""]
    {
        assert!(said.contains(body), "{said}");
    }
}

#[test]
fn health_routes_answer_outside_the_dialects() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    client.get("/health/live", None).assert(200, r#"{"status":"live"}"#);
    client.get("/health/ready", None).assert(200, r#"{"status":"ready"}"#);
    let elsewhere = client.get("/nothing", None);
    elsewhere.assert(404, r#"{"type":"about:blank","title":"Not Found","status":404}"#);
    assert_eq!(elsewhere.header("content-type"), Some("application/problem+json"));
    let wrong_method = client.post("/health/live", "{}");
    wrong_method.assert(405, r#"{"type":"about:blank","title":"Method Not Allowed","status":405}"#);
    assert_eq!(wrong_method.header("allow"), Some("GET, HEAD"));
}

#[test]
fn front_page_lists_the_enabled_dialects_and_their_paths() {
    let data = TestData::on_sqlite();
    let settings =
        [("AUTH_DIALECTS__COOKIE__ENABLED", "false"), ("AUTH_DIALECTS__SINGLE_TOKEN__PREFIX", "/elsewhere")];
    let server = TestServer::start_with(&data, &settings);
    let page = server.client().get("/", None);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for said in [
        "<h3>single_token</h3>",
        "POST /elsewhere/auth/login",
        "GET /api/v1/users/{user_id}",
        "/health/ready",
    ] {
        assert!(page.body.contains(said), "{said} is not in {}", page.body);
    }
    assert!(!page.body.contains("<h3>cookie</h3>"), "{}", page.body);
}

#[test]
fn https_system_routes_send_hsts() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_PUBLIC_URL", "https://auth.example.com")]);
    for path in ["/health/live", "/v1/nothing", "/nothing"] {
        let response = server.client().get(path, None);
        assert_eq!(response.header("strict-transport-security"), Some("max-age=63072000"), "{path}");
    }
}

#[test]
fn every_response_has_security_headers_and_a_request_id() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    let responses = [
        client.get("/health/live", None),
        client.get("/.well-known/jwks.json", None),
        client.get("/nothing", None),
        client.get("/v1/nothing", None),
        client.get("/v1/auth/login", None),
        client.post("/v1/auth/register", "{"),
        client.log_in("unknown"),
        client.register("john"),
    ];
    for (index, response) in responses.iter().enumerate() {
        // Only the public keys, which are the second answer, may be cached.
        let caching = if index == 1 { "public, max-age=300" } else { "no-store" };
        for (name, value) in [
            ("cache-control", caching),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(response.header(name), Some(value), "{response:?}");
        }
        assert_eq!(response.header("server"), None);
        assert_eq!(response.header("strict-transport-security"), None, "on plain HTTP");
    }
    let mut ids: Vec<_> =
        responses.iter().map(|response| response.header("x-request-id").expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), responses.len());
}
