//! A resource server with the crate auth-verify, and the real service that issues its tokens.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use e2e::{Client, PUBLIC_URL, Response, TestData, TestServer, run};

/// The promise is two seconds. A machine that runs many tests at once may need more.
const SOON: Duration = Duration::from_secs(8);

/// The example program of auth-verify, which is killed when it is dropped.
struct ResourceServer {
    child: Child,
    client: Client,
}

impl ResourceServer {
    /// Starts a server of tokens whose keys and ended sessions come from `base`.
    fn start(base: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(example())
            .env("ISSUER", PUBLIC_URL)
            .env("KEYS_URL", format!("{base}/.well-known/jwks.json"))
            .env("ENDED_SESSIONS_URL", format!("{base}/.well-known/ended-sessions"))
            .env("LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let base = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        Self { client: Client::new(base), child }
    }

    fn open(&self, token: &str) -> Response {
        self.client.get("/", Some(token))
    }

    /// The time until the token gets this status.
    fn time_to(&self, status: u16, token: &str, limit: Duration) -> Duration {
        let began = Instant::now();
        loop {
            let response = self.open(token);
            if response.status == status {
                return began.elapsed();
            }
            assert!(began.elapsed() < limit, "{response:?} after {:?}", began.elapsed());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for ResourceServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example, built with the profile that these tests were built with.
fn example() -> &'static PathBuf {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "auth-verify",
            "--example",
            "resource_server",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success(), "the example does not build");
        let tests = env::current_exe().expect("the path of the tests");
        let profile = tests.ancestors().nth(2).expect("target/<profile>/deps");
        profile.join("examples/resource_server")
    })
}

/// Forwards connections to a server until it is cut.
struct Link {
    base: String,
    is_cut: Arc<AtomicBool>,
}

impl Link {
    fn to(server: &TestServer) -> Self {
        let target = server.base().strip_prefix("http://").expect("plain HTTP").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let halves = |from: &TcpStream, to: &TcpStream| {
                    (from.try_clone().expect("a clone"), to.try_clone().expect("a clone"))
                };
                for (mut from, mut to) in [halves(&client, &server), halves(&server, &client)] {
                    let cut = Arc::clone(&cut);
                    from.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
                    thread::spawn(move || {
                        let mut bytes = [0; 4096];
                        while !cut.load(Ordering::SeqCst) {
                            match std::io::Read::read(&mut from, &mut bytes) {
                                Ok(0) => break,
                                Ok(length) => {
                                    if to.write_all(&bytes[..length]).is_err() {
                                        break;
                                    }
                                }
                                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                                Err(_) => break,
                            }
                        }
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        Self { base, is_cut }
    }
}

fn log_in(client: &Client, name: &str) -> String {
    client.log_in(name).member("acc_token")
}

#[test]
fn suspended_user_is_refused_within_two_seconds() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("jane").status, 201);
        assert_eq!(client.register("john").status, 201);
        server.wait_for("the feed", || client.get("/.well-known/ended-sessions", None).status == 200);
        let resource = ResourceServer::start(server.base(), &[]);
        let (janes, johns) = (log_in(&client, "jane"), log_in(&client, "john"));
        let user = e2e::claims(&janes)["sub"].as_str().expect("a user").to_owned();
        resource.open(&janes).assert(200, &format!("hello {user}"));
        assert_eq!(resource.open(&johns).status, 200);
        run(&data, &["user", "suspend", "jane"], "");
        resource.time_to(401, &janes, SOON);
        let refused = resource.open(&janes);
        refused.assert(401, "the session of the access token has ended");
        assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(resource.open(&johns).status, 200, "the session of another user goes on");
    }
}

#[test]
fn end_on_one_node_is_refused_by_a_follower_of_the_other() {
    let data = TestData::on_postgres();
    let (one, two) = (TestServer::start(&data), TestServer::start(&data));
    let client = one.client();
    assert_eq!(client.register("jane").status, 201);
    two.wait_for("the feed", || two.client().get("/.well-known/ended-sessions", None).status == 200);
    let resource = ResourceServer::start(two.base(), &[]);
    for _ in 0..3 {
        let tokens = client.post("/api/v1/auth/login", r#"{"username":"jane","password":"P@ssw0rd!"}"#);
        let (access, refresh) = (tokens.member("access_token"), tokens.member("refresh_token"));
        assert_eq!(resource.open(&access).status, 200);
        let logout = client.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{refresh}"}}"#));
        assert_eq!(logout.status, 200);
        resource.time_to(401, &access, SOON);
    }
}

#[test]
fn requests_without_a_valid_access_token_are_refused() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    assert_eq!(client.register("jane").status, 201);
    server.wait_for("the feed", || client.get("/.well-known/ended-sessions", None).status == 200);
    let resource = ResourceServer::start(server.base(), &[("ROLE", "admin")]);
    let missing = resource.client.get("/", None);
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, Some("Bearer")));
    let token = log_in(&client, "jane");
    resource.open(&token).assert(403, "the user lacks the role admin");
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    assert_eq!(resource.open(&format!("{signed}.AAAA")).status, 401);
    let pair = client.post(
        "/api/v1/auth/register",
        r#"{"displayName":"John","email":"john@example.com","password":"P@ssw0rd!"}"#,
    );
    assert_eq!(pair.status, 201, "{pair:?}");
    let pair = client.post("/api/v1/auth/login", r#"{"email":"john@example.com","password":"P@ssw0rd!"}"#);
    let pair = pair.json();
    let tokens = pair.get("data").unwrap_or(&pair);
    let refresh = tokens["refreshToken"].as_str().expect("a refresh token");
    resource.open(refresh).assert(401, "the access token is invalid: it is not an access token");
}

#[test]
fn feed_that_is_away_is_tolerated_then_answered_503() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    assert_eq!(client.register("jane").status, 201);
    server.wait_for("the feed", || client.get("/.well-known/ended-sessions", None).status == 200);
    let link = Link::to(&server);
    let resource = ResourceServer::start(&link.base, &[("MAX_STALENESS", "4")]);
    let token = log_in(&client, "jane");
    assert_eq!(resource.open(&token).status, 200);
    link.is_cut.store(true, Ordering::SeqCst);
    let cut = Instant::now();
    while cut.elapsed() < Duration::from_secs(1) {
        assert_eq!(resource.open(&token).status, 200, "after {:?}", cut.elapsed());
        sleep(Duration::from_millis(50));
    }
    resource.time_to(503, &token, 2 * SOON);
    let stale = resource.open(&token);
    stale.assert(503, "the ended sessions are not known: the feed was not read for too long");
    assert_eq!((stale.header("retry-after"), stale.header("www-authenticate")), (Some("1"), None));
    run(&data, &["user", "suspend", "jane"], "");
    link.is_cut.store(false, Ordering::SeqCst);
    resource.time_to(401, &token, SOON);
}

#[test]
fn rotated_and_stolen_keys_are_handled_by_the_resource_server() {
    let data = TestData::on_sqlite();
    let settings = [("AUTH_TOKEN__ROTATION_DELAY_SECONDS", "2"), ("AUTH_TOKEN__JWKS_MAX_AGE_SECONDS", "1")];
    let server = TestServer::start_with(&data, &settings);
    let client = server.client();
    assert_eq!(client.register("jane").status, 201);
    server.wait_for("the feed", || client.get("/.well-known/ended-sessions", None).status == 200);
    let resource = ResourceServer::start(server.base(), &[]);
    let first = log_in(&client, "jane");
    let rotate = |flags: &[&str]| {
        let mut command = e2e::command(&data);
        let output = command.envs(settings).args(["keys", "rotate"]).args(flags).output().expect("run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let kid = || {
        let token = log_in(&client, "jane");
        (jsonwebtoken::decode_header(&token).expect("a header").kid.expect("a kid"), token)
    };
    let (old, _) = kid();
    rotate(&[]);
    server.wait_for("the takeover", || {
        let (new, token) = kid();
        assert_eq!(resource.open(&token).status, 200, "no token is refused meanwhile");
        assert_eq!(resource.open(&first).status, 200);
        new != old
    });
    let (_, stolen) = kid();
    assert_eq!(resource.open(&stolen).status, 200);
    rotate(&["--now"]);
    resource.time_to(401, &stolen, SOON);
    resource.open(&stolen).assert(401, "the access token is invalid: its key is unknown");
    server.wait_for("a new token", || resource.open(&kid().1).status == 200);
}
