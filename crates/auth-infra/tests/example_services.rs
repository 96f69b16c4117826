//! The example services, as processes that answer a client over HTTP.
#![cfg(all(feature = "web", feature = "sqlite"))]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use auth_domain::model::{AuditFilter, Client, ClientId, RefreshStyle};
use auth_infra::service::Service;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

const PASSWORD: &str = "correct horse battery staple";
/// A debug build may start and stop slowly on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running example. Its data and its log are in a temporary directory.
struct Example {
    process: Child,
    dir: TempDir,
    agent: Agent,
    base: String,
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member}: {}", self.body))
    }

    /// The body of a request that presents the refresh token of this answer.
    fn refresh_body(&self) -> Value {
        json!({ "refresh_token": self.body["refresh_token"] })
    }

    fn assert_problem(&self, status: u16, detail: &str) {
        assert_eq!((self.status, self.text("detail")), (status, detail));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("www-authenticate"), (status == 401).then_some("Bearer"));
    }
}

impl Example {
    /// Starts the example and waits until it accepts connections.
    fn start(name: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let log = File::create(dir.path().join("log")).expect("a log");
        let mut command = Command::new(build(name));
        command.arg(&address).current_dir(dir.path()).env_remove("RUST_LOG");
        let process =
            command.stdout(log.try_clone().expect("a handle")).stderr(log).spawn().expect("started");
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut example = Self { process, dir, agent, base: format!("http://{address}") };
        let deadline = Instant::now() + TIMEOUT;
        while TcpStream::connect(&address).is_err() {
            let has_ended = example.process.try_wait().expect("a process").is_some();
            assert!(!has_ended && Instant::now() < deadline, "it does not start: {}", example.log());
            sleep(Duration::from_millis(20));
        }
        example
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).expect("a log")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base)).content_type("application/json");
        answer(request.send(body.to_string()).expect("an answer"))
    }

    fn me(&self, token: Option<&str>) -> Answer {
        let mut request = self.agent.get(format!("{}/me", self.base));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        answer(request.call().expect("an answer"))
    }

    /// Stops the example by a signal. It has to end without a warning.
    fn stop(mut self, signal: Signal) -> TempDir {
        // Its idle connection would delay the end.
        self.agent = Agent::new_with_defaults();
        kill_process(Pid::from_child(&self.process), signal).expect("it runs");
        let deadline = Instant::now() + TIMEOUT;
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("a process") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not stop: {}", self.log());
            sleep(Duration::from_millis(20));
        };
        let log = self.log();
        assert!(status.success(), "{status}: {log}");
        assert!(!log.contains("WARN") && !log.contains("ERROR") && !log.contains("panicked"), "{log}");
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a directory"))
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It fails after the process has stopped.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let text = response.body_mut().read_to_string().expect("text");
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

/// Builds an example with the profile of this test, and returns its path.
fn build(name: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--package", "auth-infra", "--example", name]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo").success(), "the example does not build");
    let tests = env::current_exe().expect("the path of the tests");
    let profile = tests.ancestors().nth(2).expect("target/<profile>/deps");
    profile.join("examples").join(name)
}

fn credentials(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

fn register_and_log_in(example: &Example) -> Answer {
    let jane = credentials("jane", PASSWORD);
    let registered = example.post("/users", &jane);
    assert_eq!((registered.status, registered.text("username")), (201, "jane"));
    assert_eq!(registered.body["roles"], json!([]));
    example.post("/users", &jane).assert_problem(409, "another user has this identifier");
    let short = example.post("/users", &credentials("john", "short"));
    short.assert_problem(400, "the password must be at least 8 characters long");
    example.post("/users", &credentials("", PASSWORD)).assert_problem(400, "the username must not be empty");
    example.post("/login", &credentials("jane", "wrong")).assert_problem(401, "invalid credentials");

    let tokens = example.post("/login", &jane);
    assert_eq!((tokens.status, tokens.text("token_type")), (200, "Bearer"));
    assert_eq!((&tokens.body["expires_in"], tokens.header("cache-control")), (&json!(900), Some("no-store")));
    let me = example.me(Some(tokens.text("access_token")));
    assert_eq!((me.status, &me.body), (200, &registered.body));
    example.me(None).assert_problem(401, "invalid token");
    example.me(Some("forged")).assert_problem(401, "invalid token");
    tokens
}

fn refresh_and_log_out(example: &Example, first: &Answer) {
    let second = example.post("/refresh", &first.refresh_body());
    assert_eq!(second.status, 200);
    let third = example.post("/refresh", &second.refresh_body());
    assert_ne!(third.text("refresh_token"), second.text("refresh_token"));
    assert_eq!(example.post("/logout", &third.refresh_body()).status, 204);
    example.post("/refresh", &third.refresh_body()).assert_problem(401, "invalid token");
    example.me(Some(third.text("access_token"))).assert_problem(401, "invalid token");
}

/// A consumed refresh token is a retry at first, and a replay ten seconds later.
fn retry_and_replay(example: &Example) {
    let first = example.post("/login", &credentials("jane", PASSWORD));
    let second = example.post("/refresh", &first.refresh_body());
    let consumed_at = Instant::now();
    let retried = example.post("/refresh", &first.refresh_body());
    assert_eq!((retried.status, &retried.body["refresh_token"]), (200, &second.body["refresh_token"]));
    exceed_registrations(example);
    sleep(Duration::from_millis(10_500).saturating_sub(consumed_at.elapsed()));
    example.post("/refresh", &first.refresh_body()).assert_problem(401, "invalid token");
    example.post("/refresh", &second.refresh_body()).assert_problem(401, "invalid token");
}

/// Registers until the limit of this address is reached.
fn exceed_registrations(example: &Example) {
    let mut answers = (0..400).map(|_| example.post("/users", &credentials("jane", PASSWORD)));
    let throttled = answers.find(|answer| answer.status != 409).expect("a limit");
    throttled.assert_problem(429, "too many attempts");
    let wait: u64 = throttled.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
}

/// The actions of the audit events that a stopped service has stored.
fn stored_actions(dir: &TempDir) -> BTreeSet<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
        let builder = Service::sqlite(dir.path().join("data")).issuer("https://example.com").client(client);
        let service = builder.open().expect("a service");
        let use_cases = service.auth().on_behalf_of_system();
        let events = use_cases.latest_audit_events(&AuditFilter::default(), 100).await.expect("events");
        service.close().await;
        events.iter().map(|record| record.event.action.as_str().to_owned()).collect()
    })
}

fn drive(name: &str) {
    let example = Example::start(name);
    let tokens = register_and_log_in(&example);
    refresh_and_log_out(&example, &tokens);
    retry_and_replay(&example);
    let dir = example.stop(Signal::TERM);
    let actions = stored_actions(&dir);
    for action in ["user.registered", "user.logged_in", "session.replayed"] {
        assert!(actions.contains(action), "{actions:?}");
    }
}

/// The last event happens right before the signal.
fn interrupt(name: &str) {
    let example = Example::start(name);
    assert_eq!(example.post("/users", &credentials("jane", PASSWORD)).status, 201);
    let log = example.log();
    assert!(log.contains("user.registered"), "the log is captured: {log}");
    let dir = example.stop(Signal::INT);
    assert!(stored_actions(&dir).contains("user.registered"));
}

#[test]
fn axum_service_answers_each_request_and_stops_on_sigterm() {
    drive("axum_service");
}

#[test]
fn actix_service_answers_each_request_and_stops_on_sigterm() {
    drive("actix_service");
}

#[test]
fn axum_service_stores_its_last_event_on_ctrl_c() {
    interrupt("axum_service");
}

#[test]
fn actix_service_stores_its_last_event_on_ctrl_c() {
    interrupt("actix_service");
}
