//! The audit trail: what happens leaves exactly the events that it should, and they survive.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use e2e::{Client, Response, TestData, TestServer, command};
use serde_json::Value;

/// Runs a command of the binary on the same data and gives the lines that it prints.
fn run(data: &TestData, arguments: &[&str]) -> Vec<String> {
    let output = command(data).args(arguments).stdin(Stdio::null()).output().expect("run");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn events(data: &TestData) -> Vec<Value> {
    let lines = run(data, &["audit", "--json", "--limit", "1000"]);
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn actions(data: &TestData) -> Vec<String> {
    events(data).iter().map(|event| text(event, "action")).collect()
}

fn text(event: &Value, member: &str) -> String {
    event[member].as_str().unwrap_or_default().to_owned()
}

/// The retry window of the tour, as a setting and as a duration.
const RETRY_WINDOW: (&str, Duration) = ("5", Duration::from_secs(5));

/// Sends requests and records the audit events that they must leave: action, reason, detail and request id.
struct AuditTour {
    client: Client,
    api_key: String,
    expected: Vec<(String, String)>,
}

impl AuditTour {
    fn new(data: &TestData, server: &TestServer) -> Self {
        let created = run(
            data,
            &["api-key", "create", "--name", "backend", "--scope", "users:read,users:write,users:roles,auth"],
        );
        let api_key = created.last().expect("a key").clone();
        let id = created[0].split_whitespace().nth(1).expect("an id");
        let line = format!("api_key.created  ({id} users:read,users:write,users:roles,auth)");
        Self { client: server.client(), api_key, expected: vec![(line, String::new())] }
    }

    fn expect(&mut self, response: Response, status: u16, lines: &[&str]) -> Response {
        assert_eq!(response.status, status, "{response:?}");
        let request = response.header("x-request-id").expect("a number");
        self.expected.extend(lines.iter().map(|line| ((*line).to_owned(), request.to_owned())));
        response
    }

    fn post(&mut self, path: &str, body: &str, status: u16, lines: &[&str]) -> Response {
        self.expect(self.client.post(path, body), status, lines)
    }

    fn keyed(&mut self, method: &str, path: &str, body: &str, status: u16, lines: &[&str]) -> Response {
        self.expect(self.client.send(method, path, &[("X-API-Key", &self.api_key)], body), status, lines)
    }

    fn single_token(&mut self) {
        let body = r#"{"username":"john","email":"john@example.com","password":"P@ssw0rd!"}"#;
        self.post("/v1/auth/register", body, 201, &["user.registered  (customer)"]);
        self.post("/v1/auth/register", body, 409, &["user.registered name_taken (username)"]);
        let response = self.expect(self.client.log_in("john"), 200, &["user.logged_in "]);
        let token = response.member("acc_token");
        self.expect(self.client.open(&token), 403, &["resource.opened missing_role (staff)"]);
        let response = self.expect(self.client.refresh(&token), 200, &["session.refreshed "]);
        self.expect(self.client.refresh(&token), 200, &["session.refreshed  (retry)"]);
        self.expect(self.client.refresh(&response.member("token")), 200, &["session.refreshed "]);
        let wrong = self.client.log_in_with("john", "wrong");
        self.expect(wrong, 401, &["user.logged_in wrong_password"]);
        self.expect(self.client.log_in("unknown"), 401, &["user.logged_in unknown_user"]);
        self.expect(self.client.open("rubbish"), 401, &[]);
        self.expect(self.client.refresh("rubbish"), 401, &[]);
    }

    fn directory(&mut self) {
        let write = "api_key.used  (users:write)";
        let body = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        let lines = [write, "user.registered  (customer)"];
        let id = self.keyed("POST", "/api/v1/users", body, 201, &lines).member("id");
        let body = r#"{"username":"jane","password":"P@ssw0rd!"}"#;
        let lines = ["api_key.used  (auth)", "user.logged_in "];
        self.keyed("POST", "/api/v1/auth/login", body, 200, &lines);
        let path = format!("/api/v1/users/{id}");
        self.keyed("GET", &path, "", 200, &["api_key.used  (users:read)"]);
        let body = r#"{"username":"june","password":"P@ssw0rd!"}"#;
        let lines = [write, "user.updated  (username)", "user.password_changed "];
        self.keyed("PUT", &path, body, 200, &lines);
        self.keyed("DELETE", &path, "", 204, &[write, "user.deleted "]);
        let rubbish = self.client.send("GET", &path, &[("X-API-Key", "key_rubbish")], "");
        self.expect(rubbish, 401, &[]);
    }

    fn token_pair(&mut self) {
        let body = r#"{"email":"jack@example.com","password":"P@ssw0rd!"}"#;
        self.post("/api/v1/auth/register", body, 201, &["user.registered  (customer)"]);
        let first = self.post("/api/v1/auth/login", body, 200, &["user.logged_in "]);
        let body = format!(r#"{{"refreshToken":"{}"}}"#, first.member("refreshToken"));
        let second = self.post("/api/v1/auth/refresh", &body, 200, &["session.refreshed "]);
        let next = format!(r#"{{"refreshToken":"{}"}}"#, second.member("refreshToken"));
        let third = self.post("/api/v1/auth/refresh", &next, 200, &["session.refreshed "]);
        self.post("/api/v1/auth/refresh", &body, 200, &["session.refreshed  (retry)"]);
        sleep(RETRY_WINDOW.1);
        self.post("/api/v1/auth/refresh", &body, 401, &["session.replayed used_before"]);
        let me = self.client.get("/api/v1/auth/me", Some(&third.member("accessToken")));
        self.expect(me, 401, &[]);
    }

    fn accounts(&mut self) {
        let line = "user.registered role_not_offered (admin)";
        self.post(
            "/api/v1/auth/register",
            r#"{"username":"jill","password":"P@ssw0rd!","roles":"admin"}"#,
            400,
            &[line],
        );
        self.post(
            "/api/v1/auth/register",
            r#"{"username":"jill","password":"P@ssw0rd!","roles":"customer"}"#,
            201,
            &["user.registered  (customer)"],
        );
        let body = r#"{"username":"jill","password":"P@ssw0rd!"}"#;
        let token = self.post("/api/v1/auth/login", body, 200, &["user.logged_in "]).member("refresh_token");
        let body = format!(r#"{{"refresh_token":"{token}"}}"#);
        self.post("/api/v1/auth/refresh", &body, 200, &["session.refreshed "]);
        self.post("/api/v1/auth/logout", &body, 200, &["user.logged_out "]);
        self.post("/api/v1/auth/logout", &body, 200, &[]);
    }

    fn cookie(&mut self) {
        let body = r#"{"username":"joan","password":"P@ssw0rd!"}"#;
        self.post("/api/auth/register", body, 201, &["user.registered  (customer)"]);
        let response = self.post("/api/auth/login", body, 200, &["user.logged_in "]);
        let token = response.json()["data"]["token"].as_str().expect("a token").to_owned();
        let cookie =
            response.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
        let refreshed = self.client.send("POST", "/api/auth/refresh", &[("Cookie", cookie)], "");
        self.expect(refreshed, 200, &["session.refreshed "]);
        let bearer = format!("Bearer {token}");
        let out = self.client.send("POST", "/api/auth/logout", &[("Authorization", &bearer)], "");
        self.expect(out, 200, &["user.logged_out "]);
    }
}

fn line(event: &Value) -> String {
    let detail = event["detail"].as_str().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{} {}{detail}", text(event, "action"), text(event, "reason"))
}

#[test]
fn tour_of_all_dialects_leaves_exactly_its_audit_events() {
    for data in TestData::on_every_store() {
        let settings =
            [("AUTH_PROTECTED__REQUIRED_ROLE", "staff"), ("AUTH_TOKEN__RETRY_GRACE_SECONDS", RETRY_WINDOW.0)];
        let server = TestServer::start_with(&data, &settings);
        let mut tour = AuditTour::new(&data, &server);
        tour.single_token();
        tour.directory();
        tour.token_pair();
        tour.accounts();
        tour.cookie();
        sleep(Duration::from_millis(200));

        let events = events(&data);
        let seen: Vec<_> = events.iter().map(|event| (line(event), text(event, "request"))).collect();
        assert_eq!(seen, tour.expected);
        assert!(events.is_sorted_by_key(|event| event["id"].as_i64()));
        for event in &events {
            let action = text(event, "action");
            let from_shell = action == "api_key.created";
            assert_eq!(event["address"].as_str(), (!from_shell).then_some("127.0.0.1"), "{event}");
            assert_eq!((&event["count"], &event["last_at"]), (&1.into(), &Value::Null), "{event}");
            assert_eq!(event["outcome"] == "denied", event["reason"].is_string(), "{event}");
            let is_of_session = action.starts_with("session.") || action == "user.logged_out";
            assert!(!is_of_session || (event["session"].is_string() && event["user"].is_string()), "{event}");
        }
        let logged = server.log();
        for (_, request) in tour.expected.iter().skip(1) {
            assert!(logged.contains(request), "{request} is in the log");
        }
        let audit_lines = logged.lines().filter(|line| line.contains(r#""target":"audit""#)).count();
        assert_eq!(audit_lines, events.len() - 1, "all but what the shell did");
    }
}

#[test]
fn audit_events_survive_an_immediate_stop() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        assert_eq!(client.log_in("john").status, 200);
        server.signal("TERM");
        assert!(server.wait_for_end().success());
        assert_eq!(actions(&data), ["user.registered", "user.logged_in"]);

        let server = TestServer::start(&data);
        assert_eq!(server.client().log_in("john").status, 200);
        drop(server);
        assert_eq!(actions(&data)[..2], ["user.registered", "user.logged_in"]);
    }
}

#[test]
fn kill_100_ms_after_a_response_loses_no_audit_event() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        for _ in 0..5 {
            assert_eq!(client.log_in("john").status, 200);
        }
        sleep(Duration::from_millis(100));
        server.kill();
        assert_eq!(actions(&data).len(), 6);
    }
}

fn lines_of(file: &Path) -> usize {
    std::fs::read_to_string(file).expect("a file").lines().count()
}

#[test]
fn audit_follow_prints_new_events_until_interrupted() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let log = data.path().join("followed");
    let mut command = command(&data);
    command.args(["audit", "--follow", "--json", "--action", "user.logged_in"]);
    let mut follower = command.stdout(std::fs::File::create(&log).expect("a file")).spawn().expect("started");
    let client = server.client();
    assert_eq!(client.register("john").status, 201);
    assert_eq!(client.log_in("john").status, 200);
    server.wait_for("followed", || lines_of(&log) == 1);
    assert_eq!(client.log_in_with("john", "wrong").status, 401);
    server.wait_for("followed", || lines_of(&log) == 2);
    let interrupt = std::process::Command::new("kill").arg("-INT").arg(follower.id().to_string()).status();
    assert!(interrupt.expect("kill").success());
    assert!(follower.wait().expect("ended").success());
}

/// Stops the server, so that merged events are stored too, and returns the counts of the events with this reason.
fn counts_after_stop(data: &TestData, server: TestServer, wanted: &str) -> Vec<u64> {
    server.signal("TERM");
    assert!(server.wait_for_end().success());
    let events = events(data).into_iter().filter(|event| line(event).starts_with(wanted));
    events.map(|event| event["count"].as_u64().expect("a count")).collect()
}

/// A request for a role that is not on offer. It costs no hash.
fn request_role(server: &TestServer, address: &str) -> Response {
    let body = r#"{"username":"mallory","password":"P@ssw0rd!","roles":"admin"}"#;
    server.client().send("POST", "/api/v1/auth/register", &[("X-Forwarded-For", address)], body)
}

#[test]
fn repeated_denials_are_stored_with_a_count() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let created = run(&data, &["api-key", "create", "--name", "backend", "--scope", "users:read"]);
        run(&data, &["api-key", "revoke", created[0].split_whitespace().nth(1).expect("an id")]);
        let key = [("X-API-Key", created.last().expect("a key").as_str())];
        for number in 0..100 {
            let response = server.client().send("GET", &format!("/api/v1/users/{number}"), &key, "");
            assert_eq!(response.status, 401);
        }
        let counts = counts_after_stop(&data, server, "api_key.used key_revoked");
        // The requests may fall into two minutes.
        assert!((2..=4).contains(&counts.len()), "{counts:?}");
        assert_eq!(counts.iter().sum::<u64>(), 100);
    }
}

#[test]
fn denials_from_many_addresses_are_bounded() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_TRUSTED_PROXIES", "127.0.0.0/8")]);
        for number in 0..1_000 {
            assert_eq!(request_role(&server, &format!("2001:db8:1:{number:x}::1")).status, 400);
        }
        let counts = counts_after_stop(&data, server, "user.registered role_not_offered");
        assert!(counts.len() <= 2 * 202, "{} events", counts.len());
        assert_eq!(counts.iter().sum::<u64>(), 1_000);
    }
}

#[test]
fn throttled_denials_leave_no_event() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_RATE_LIMIT", "on")]);
        let statuses: Vec<_> = (0..150).map(|_| request_role(&server, "").status).collect();
        let denied = statuses.iter().filter(|status| **status == 400).count();
        assert!(denied >= 100 && statuses.ends_with(&[429]), "{statuses:?}");
        let counts = counts_after_stop(&data, server, "");
        assert_eq!(counts.iter().sum::<u64>(), denied as u64);
    }
}

#[test]
fn refreshes_of_a_session_are_bounded() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let token = client.log_in("john").member("acc_token");
        for _ in 0..100 {
            assert_eq!(client.refresh(&token).status, 200);
        }
        let counts = counts_after_stop(&data, server, "session.refreshed");
        assert!(counts.len() <= 12, "{counts:?}");
        assert_eq!(counts.iter().sum::<u64>(), 100);
    }
}
