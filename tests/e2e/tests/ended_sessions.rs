//! The feed of ended sessions: whatever ends a session, each node lists it within a second, to followers that wait.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::net::Shutdown;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use e2e::{Client, Response, TestData, TestServer, claims, run};
use serde_json::Value;
use test_postgres::TestPostgres;

const FEED: &str = "/.well-known/ended-sessions";
/// The documented bound is one second. The rest is a margin for a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// A follower of the feed of one server.
struct Follower {
    client: Client,
    next: String,
}

impl Follower {
    /// Reads the whole list. A node that has just started has to read it from the store first.
    fn new(server: &TestServer) -> (Self, Vec<String>) {
        let client = server.client();
        server.wait_for("the feed", || client.get(FEED, None).status == 200);
        let page = client.get(FEED, None).json();
        assert_eq!((&page["reset"], &page["more"]), (&true.into(), &false.into()), "{page}");
        (Self { client, next: text(&page["next"]) }, sessions(&page))
    }

    fn ask(&self, wait: u32) -> Response {
        self.client.get(&format!("{FEED}?after={}&wait={wait}", self.next), None)
    }

    /// The next sessions, for which it waits.
    fn wait(&mut self) -> Vec<String> {
        let response = self.ask(15);
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json();
        assert_eq!(page["reset"], false, "{page}");
        self.next = text(&page["next"]);
        sessions(&page)
    }

    /// Waits until the feed lists this session.
    fn wait_for(&mut self, session: &str) {
        let began = Instant::now();
        while !self.wait().iter().any(|ended| ended == session) {
            assert!(began.elapsed() < SOON, "{session} is not listed");
        }
        assert!(began.elapsed() < SOON, "{session} is listed after {:?}", began.elapsed());
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn sessions(page: &Value) -> Vec<String> {
    page["sessions"].as_array().expect("a list").iter().map(text).collect()
}

/// Logs in, and returns the session.
fn log_in(client: &Client, name: &str) -> String {
    text(&claims(&client.log_in(name).member("acc_token"))["sid"])
}

/// Logs in with the dialect that can log out, and returns the session and its refresh token.
fn log_in_to_log_out(client: &Client, name: &str) -> (String, String) {
    let tokens =
        client.post("/api/v1/auth/login", &format!(r#"{{"username":"{name}","password":"P@ssw0rd!"}}"#));
    (text(&claims(&tokens.member("access_token"))["sid"]), tokens.member("refresh_token"))
}

fn log_out(client: &Client, refresh_token: &str) {
    let logout = client.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{refresh_token}"}}"#));
    assert_eq!(logout.status, 200, "{logout:?}");
}

#[test]
fn every_end_of_a_session_is_listed() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("jane").status, 201);
        let (mut follower, ended) = Follower::new(&server);
        assert_eq!(ended, [""; 0]);
        let (session, refresh_token) = log_in_to_log_out(&client, "jane");
        log_out(&client, &refresh_token);
        follower.wait_for(&session);
        for (arguments, input) in [
            (&["user", "set-roles", "jane", "staff"][..], ""),
            (&["user", "set-password", "jane"], "P@ssw0rd!\n"),
            (&["user", "suspend", "jane"], ""),
            (&["user", "delete", "jane"], ""),
        ] {
            let session = log_in(&client, "jane");
            run(&data, arguments, input);
            follower.wait_for(&session);
            if arguments[1] == "suspend" {
                run(&data, &["user", "activate", "jane"], "");
            }
        }
        assert_eq!(Follower::new(&server).1.len(), 5, "the whole list");
    }
}

#[test]
fn waiting_follower_gets_an_end_on_another_node() {
    let data = TestData::on_postgres();
    let (one, two) = (TestServer::start(&data), TestServer::start(&data));
    let client = one.client();
    assert_eq!(client.register("jane").status, 201);
    let (mut follower, _) = Follower::new(&two);
    for _ in 0..3 {
        let (session, refresh_token) = log_in_to_log_out(&client, "jane");
        let logging_out = {
            let client = client.clone();
            spawn(move || {
                sleep(Duration::from_millis(300));
                log_out(&client, &refresh_token);
            })
        };
        follower.wait_for(&session);
        logging_out.join().expect("logged out");
    }
}

#[test]
fn cursor_is_valid_on_every_node_and_after_a_restart() {
    let postgres = TestData::on_postgres();
    let servers = [TestServer::start(&postgres), TestServer::start(&postgres)];
    let client = servers[0].client();
    assert_eq!(client.register("jane").status, 201);
    let (mut follower, _) = Follower::new(&servers[0]);
    for number in 0..6 {
        let (session, refresh_token) = log_in_to_log_out(&client, "jane");
        log_out(&client, &refresh_token);
        follower.client = servers[number % 2].client();
        follower.wait_for(&session);
    }
    let (session, refresh_token) = log_in_to_log_out(&client, "jane");
    log_out(&client, &refresh_token);
    drop(servers);
    let server = TestServer::start(&postgres);
    server.wait_for("the feed", || server.client().get(FEED, None).status == 200);
    follower.client = server.client();
    assert_eq!(follower.wait(), [session]);

    let sqlite = TestData::on_sqlite();
    let server = TestServer::start(&sqlite);
    assert_eq!(server.client().register("jane").status, 201);
    let (mut follower, _) = Follower::new(&server);
    let session = log_in(&server.client(), "jane");
    drop(server);
    run(&sqlite, &["user", "suspend", "jane"], "");
    let server = TestServer::start(&sqlite);
    server.wait_for("the feed", || server.client().get(FEED, None).status == 200);
    follower.client = server.client();
    assert_eq!(follower.wait(), [session]);
}

#[test]
fn feed_is_an_http_resource_with_clear_errors() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_CORS_ORIGINS", "https://app.example.com")]);
    let (follower, _) = Follower::new(&server);
    let client = server.client();
    let origin = [("origin", "https://evil.example")];
    let page = client.send("GET", FEED, &origin, "");
    for (name, value) in [
        ("cache-control", "public, max-age=1"),
        ("content-type", "application/json"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), Some(value), "{page:?}");
    }
    assert_eq!(page.header("access-control-allow-credentials"), None);
    let began = Instant::now();
    let head = client.send("HEAD", &format!("{FEED}?after={}&wait=15", follower.next), &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(began.elapsed() < SOON, "nothing to wait for");
    for method in ["POST", "OPTIONS", "DELETE"] {
        let response = client.send(method, FEED, &[], "");
        assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    for (query, detail) in [
        ("after=nonsense", "after must be the value of next in an earlier answer."),
        ("wait=26", "wait must be a whole number of seconds from 0 to 25."),
        ("since=1", "query may contain after and wait only."),
        ("wait=1&wait=1", "query must not repeat a parameter."),
    ] {
        let response = client.get(&format!("{FEED}?{query}"), None);
        assert_eq!((response.status, response.header("cache-control")), (400, Some("no-store")), "{query}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.json()["detail"], detail);
    }
    let other = client.get(&format!("{FEED}?after=3.10.10"), None);
    assert_eq!((other.status, &other.json()["reset"]), (200, &true.into()), "a cursor of another store");
}

#[test]
fn disabled_feed_is_not_found() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_TOKEN__ENDED_SESSIONS", "off")]);
    assert_eq!(server.client().get(FEED, None).status, 404);
}

#[test]
fn waiting_connection_is_not_idle() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_HTTP__KEEP_ALIVE_SECONDS", "1")]);
    let (follower, _) = Follower::new(&server);
    let began = Instant::now();
    let response = follower.ask(4);
    assert_eq!((response.status, sessions(&response.json())), (200, Vec::new()));
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn stop_does_not_wait_for_followers() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let (follower, _) = Follower::new(&server);
    let mut followers: Vec<_> = (0..5)
        .map(|_| {
            let (client, next) = (follower.client.clone(), follower.next.clone());
            spawn(move || client.get(&format!("{FEED}?after={next}&wait=15"), None))
        })
        .collect();
    // A client that has closed its end is still answered.
    let gone = e2e::connect(server.base());
    let request = format!("GET {FEED}?after={}&wait=25 HTTP/1.1\r\nHost: a\r\n\r\n", follower.next);
    std::io::Write::write_all(&mut &gone, request.as_bytes()).expect("sent");
    gone.shutdown(Shutdown::Write).expect("closed");
    sleep(Duration::from_millis(500));
    assert!(followers.iter().all(|follower| !follower.is_finished()));
    let began = Instant::now();
    server.signal("TERM");
    assert!(server.wait_for_end().success());
    assert!(began.elapsed() < SOON, "stopped after {:?}", began.elapsed());
    for follower in followers.drain(..) {
        let response = follower.join().expect("an answer");
        assert_eq!((response.status, sessions(&response.json())), (200, Vec::new()));
    }
}

#[test]
fn feed_of_a_node_without_its_store_is_503() {
    let postgres = TestPostgres::start();
    let data = TestData::at(postgres.create_database());
    let server = TestServer::start(&data);
    assert_eq!(server.client().register("jane").status, 201);
    let (mut follower, _) = Follower::new(&server);
    let session = log_in(&server.client(), "jane");
    postgres.stop();
    let stopped = Instant::now();
    let response = follower.ask(15);
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{response:?}");
    assert!(stopped.elapsed() < 2 * SOON, "after {:?}", stopped.elapsed());
    assert_eq!(follower.client.get(FEED, None).status, 503);
    postgres.restart();
    server.wait_until_ready();
    server.wait_for("the feed", || follower.client.get(FEED, None).status == 200);
    run(&data, &["user", "suspend", "jane"], "");
    follower.wait_for(&session);
}

#[test]
fn failover_with_lost_commits_resets_followers() {
    let data = TestData::on_postgres();
    let server = TestServer::start(&data);
    let (follower, _) = Follower::new(&server);
    let (timeline, rest) = follower.next.split_once('.').expect("a timeline");
    assert_eq!(timeline, "1");
    let page = follower.client.get(&format!("{FEED}?after=2.{rest}"), None).json();
    assert_eq!(page["reset"], true, "{page}");
}
