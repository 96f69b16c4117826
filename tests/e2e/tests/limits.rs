//! Clients that guess, register or refresh too often are throttled, and no others are.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, Response, TestData, TestServer, command, connect, run, send_raw};
use socket2::SockRef;

const ON: (&str, &str) = ("AUTH_RATE_LIMIT", "on");
/// Every test comes from here, and may say where it has the request from.
const BEHIND_A_PROXY: (&str, &str) = ("AUTH_TRUSTED_PROXIES", "127.0.0.0/8");
const WRONG: &str = "wrong password";
const RIGHT: &str = "P@ssw0rd!";

fn start(data: &TestData, settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(data, &[&[ON], settings].concat());
    assert_eq!(server.client().register("john").status, 201);
    server
}

/// Tries a password from this address, if the server trusts the test as a proxy.
fn log_in_from(server: &TestServer, address: &str, name: &str, password: &str) -> Response {
    let body = format!(r#"{{"email":"{name}","password":"{password}"}}"#);
    server.client().send("POST", "/v1/auth/login", &[("X-Forwarded-For", address)], &body)
}

/// Sends this number of requests at once and returns the responses.
fn at_once(count: usize, ask: impl Fn(usize) -> Response + Sync) -> Vec<Response> {
    let ask = &ask;
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..count).map(|number| scope.spawn(move || ask(number))).collect();
        tasks.into_iter().map(|task| task.join().expect("answered")).collect()
    })
}

fn count(responses: &[Response], status: u16) -> usize {
    responses.iter().filter(|response| response.status == status).count()
}

/// Guesses until the account waits for several seconds, so that a slow machine sees it wait; how many were tried.
fn wear_out(guess: impl Fn() -> Response) -> usize {
    let mut tried = 0;
    loop {
        let response = guess();
        match response.status {
            401 => tried += 1,
            429 if response.header("retry-after").and_then(|text| text.parse().ok()) >= Some(4) => {
                return tried;
            }
            429 => thread::sleep(Duration::from_millis(100)),
            _ => panic!("{response:?}"),
        }
    }
}

/// Fails unless the response names the limit and the time to wait.
fn assert_limited(response: &Response, policy: &str) {
    response.assert(429, r#"{"error":"Too many requests."}"#);
    let seconds: u64 = response.header("retry-after").expect("a time").parse().expect("seconds");
    assert!(seconds >= 1);
    assert_eq!(response.header("ratelimit-policy"), Some(policy));
    let name = policy.split(';').next().expect("a name");
    assert_eq!(response.header("ratelimit"), Some(format!("{name};r=0;t={seconds}").as_str()));
}

#[test]
fn of_200_concurrent_guesses_only_the_limit_is_verified() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[BEHIND_A_PROXY]);
        let begun = Instant::now();
        let responses =
            at_once(200, |number| log_in_from(&server, &format!("198.51.100.{number}"), "john", WRONG));
        // While they wait for each other a second may pass, and then another, longer wait.
        let seconds = usize::try_from(begun.elapsed().as_secs()).expect("a number");
        let tried = count(&responses, 401);
        assert!((1..=5 + seconds).contains(&tried), "{tried} were tried in {seconds} s");
        let throttled: Vec<_> = responses.iter().filter(|response| response.status == 429).collect();
        assert!(throttled.len() > 100, "{} were throttled", throttled.len());
        for response in &throttled {
            assert_limited(response, r#""account";q=5"#);
        }
        // Some may have waited for the others for too long; nothing else happens.
        assert_eq!(tried + throttled.len() + count(&responses, 503), 200);
    }
}

#[test]
fn concurrent_right_passwords_all_log_in() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[]);
        for round in 0..3 {
            let responses = at_once(20, |_| server.client().log_in("john"));
            assert_eq!(count(&responses, 200), 20, "round {round}: {responses:?}");
        }
    }
}

#[test]
fn one_account_has_one_counter_across_names_and_dialects() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[]);
        let client = server.client();
        let other = |path: &str, member: &str| {
            client.post(path, &format!(r#"{{"{member}":"John","password":"{WRONG}"}}"#))
        };
        assert_eq!(client.log_in_with("JOHN", WRONG).status, 401);
        assert_eq!(client.log_in_with("john@example.com", WRONG).status, 401);
        assert_eq!(other("/api/v1/auth/login", "username").status, 401);
        assert_eq!(other("/api/auth/login", "username").status, 401);
        assert_eq!(client.log_in_with("John@Example.com", WRONG).status, 401);
        assert_eq!(wear_out(|| client.log_in_with("john", WRONG)), 2, "after five, by whichever name");
        assert_limited(&client.log_in("john"), r#""account";q=5"#);
        other("/api/v1/auth/login", "username").assert(429, r#"{"error":"Too many requests"}"#);
        other("/api/auth/login", "username").assert(429, r#"{"message":"Too many requests."}"#);
        // An unknown user is treated alike.
        client.log_in_with("Unknown", WRONG).assert(401, r#"{"error":"Invalid credentials."}"#);
        assert_eq!(wear_out(|| client.log_in_with("unknown", WRONG)), 6);
        assert_limited(&client.log_in("unknown"), r#""account";q=5"#);
        // Other users at this address are not affected.
        assert_eq!(client.register("jane").status, 201);
        assert_eq!(client.log_in("jane").status, 200);
        server.wait_for("let in after the wait", || client.log_in("john").status == 200);
    }
}

#[test]
fn untrusted_forwarded_address_does_not_evade_the_limit() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[("AUTH_LIMITS__LOGIN_PER_MINUTE", "1")]);
        let tried = |number: usize| {
            log_in_from(&server, &format!("198.51.100.{number}"), &format!("user{number}"), WRONG).status
        };
        assert!((0..30).all(|number| tried(number) == 401));
        let response = log_in_from(&server, "203.0.113.9", "john", RIGHT);
        assert_limited(&response, r#""login";q=1;w=60"#);
    }
}

#[test]
fn address_reported_by_a_trusted_proxy_counts() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[BEHIND_A_PROXY, ("AUTH_LIMITS__LOGIN_PER_MINUTE", "1")]);
        let tried = |address: &str, number: usize| {
            log_in_from(&server, address, &format!("user{number}"), WRONG).status
        };
        assert!((0..30).all(|number| tried(&format!("2001:db8:1:2::{number}"), number) == 401));
        assert_eq!(tried("2001:db8:1:2:ffff::1", 30), 429, "one network of 64 bits");
        assert_eq!(tried("2001:db8:1:2::1, 2001:db8:1:3::1", 30), 401, "the entries to the left are made up");
        assert_eq!(tried("198.51.100.1", 31), 401);
    }
}

#[test]
fn known_caller_logs_in_while_another_caller_is_throttled() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[BEHIND_A_PROXY]);
        let (home, elsewhere) = ("198.51.100.1", "203.0.113.9");
        assert_eq!(log_in_from(&server, home, "john", RIGHT).status, 200);
        assert_eq!(wear_out(|| log_in_from(&server, elsewhere, "john", WRONG)), 7);
        assert_eq!(log_in_from(&server, elsewhere, "john", RIGHT).status, 429);
        assert_eq!(log_in_from(&server, "203.0.113.10", "john", RIGHT).status, 429);
        let [at_home, away] = [home, elsewhere].map(|from| log_in_from(&server, from, "john", WRONG));
        // A wrong password does not tell that the account knows the address.
        assert_limited(&at_home, r#""account";q=5"#);
        assert_limited(&away, r#""account";q=5"#);
        assert_eq!(log_in_from(&server, home, "john", RIGHT).status, 200);
        assert_eq!(
            log_in_from(&server, elsewhere, "john", RIGHT).status,
            200,
            "nothing is held against them"
        );
    }
}

/// Fails unless a client cannot tell the refusals apart, except for the id of the request.
fn assert_same_refusal(one: &Response, other: &Response) {
    let visible = |response: &Response| {
        let hidden = ["x-request-id", "date"];
        let mut headers = response.headers.clone();
        headers.retain(|(name, _)| !hidden.contains(&name.as_str()));
        // Their order is that of a hash map.
        headers.sort_unstable();
        (response.status, headers, response.body.clone())
    };
    assert_eq!(one.status, 429, "{one:?}");
    assert_eq!(visible(one), visible(other));
}

/// Limits that end a burst of three failures of an address for a minute.
const NARROW: [(&str, &str); 2] = [("AUTH_LIMITS__LOGIN_BURST", "3"), ("AUTH_LIMITS__LOGIN_PER_MINUTE", "1")];

#[test]
fn a_shared_address_does_not_tell_whose_it_is() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[&[BEHIND_A_PROXY][..], &NARROW].concat());
        assert_eq!(server.client().register("jane").status, 201);
        let (shared, home) = ("198.51.100.1", "198.51.100.2");
        assert_eq!(log_in_from(&server, shared, "john", RIGHT).status, 200);
        assert_eq!(log_in_from(&server, home, "jane", RIGHT).status, 200);
        for number in 0..3 {
            assert_eq!(log_in_from(&server, shared, &format!("user{number}"), WRONG).status, 401);
        }
        server.wait_for("three answers within one second", || {
            let begun = Instant::now();
            let names = ["john", "jane", "unknown"];
            let answers = at_once(3, |number| log_in_from(&server, shared, names[number], WRONG));
            assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
            let waits: Vec<_> = answers.iter().map(|answer| answer.header("retry-after")).collect();
            if waits.iter().any(|wait| *wait != waits[0]) {
                return false;
            }
            answers[1..].iter().for_each(|other| assert_same_refusal(&answers[0], other));
            true
        });
        assert_eq!(log_in_from(&server, shared, "jane", RIGHT).status, 429, "it is not an address of hers");
        assert_eq!(log_in_from(&server, shared, "john", RIGHT).status, 200, "the owner is served");
        assert_eq!(log_in_from(&server, home, "jane", RIGHT).status, 200);
    }
}

#[test]
fn junk_in_a_forwarding_header_does_not_hide_the_client() {
    let data = TestData::on_sqlite();
    let server = start(&data, &[&[BEHIND_A_PROXY][..], &NARROW].concat());
    let guess = |number: usize, lines: &[&[u8]]| {
        let body = format!(r#"{{"email":"user{number}","password":"{WRONG}"}}"#);
        let mut request = b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".to_vec();
        for line in lines {
            request.extend([b"X-Forwarded-For: ", *line, b"\r\n"].concat());
        }
        let length = body.len();
        let rest = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        request.extend(rest.into_bytes());
        send_raw(server.base(), &request).expect("an answer").status
    };
    let spellings: [&[&[u8]]; 3] = [
        &[b"\xff, 198.51.100.1"],
        &[b"unknown", b"_id,,64:ff9b::198.51.100.1"],
        &[b"\t[::ffff:198.51.100.1]:80"],
    ];
    for (number, lines) in spellings.into_iter().enumerate() {
        assert_eq!(guess(number, lines), 401, "{lines:?}");
    }
    assert_eq!(guess(3, &[b"2002:c633:6401::1"]), 429, "all of them are one client");
    assert_eq!(guess(4, &[b"\xff, 198.51.100.2"]), 401, "and no other");
}

/// Creates an API key with every scope, for this name.
fn api_key(data: &TestData, name: &str) -> String {
    let scopes = "users:read,users:write,users:roles,auth";
    let made = run(data, &["api-key", "create", "--name", name, "--scope", scopes], "");
    made.trim().lines().last().expect("a key").to_owned()
}

#[test]
fn end_users_of_a_backend_are_counted_by_their_addresses() {
    for data in TestData::on_every_store() {
        let server = start(&data, &NARROW);
        let key = api_key(&data, "backend");
        let log_in = |key: &str, address: &str, name: &str, password: &str| {
            let headers = [("X-API-Key", key), ("X-End-User-Address", address)];
            let body = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
            server.client().send("POST", "/api/v1/auth/login", &headers, &body)
        };
        let (home, shared) = ("198.51.100.1", "198.51.100.2");
        assert_eq!(log_in(&key, home, "john", RIGHT).status, 200);
        for number in 0..3 {
            let list = format!("203.0.113.{number}, {shared}, 127.0.0.1");
            assert_eq!(log_in(&key, &list, &format!("user{number}"), WRONG).status, 401);
        }
        assert_limited(&log_in(&key, shared, "john", RIGHT), r#""login";q=1;w=60"#);
        assert_eq!(log_in(&key, home, "john", RIGHT).status, 200, "other users are not affected");
        // The account knows the address of its owner, and no other address of the same backend.
        assert_eq!(wear_out(|| log_in(&key, &format!("203.0.113.{}", fresh()), "john", WRONG)), 7);
        log_in(&key, "198.51.100.3", "john", RIGHT).assert(429, r#"{"error":"Too many requests."}"#);
        assert_eq!(log_in(&key, home, "john", RIGHT).status, 200);
        // Without a valid key, the header is ignored.
        assert_eq!(log_in("key_nonsense", "unknown", "john", RIGHT).status, 401);
        let header = [("X-End-User-Address", shared)];
        let body = format!(r#"{{"email":"john","password":"{RIGHT}"}}"#);
        assert_eq!(server.client().send("POST", "/v1/auth/login", &header, &body).status, 200);
        server.wait_for("audited", || run(&data, &["audit", "--json"], "").contains(home));
    }
}

/// A number that was not returned before.
fn fresh() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(100);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn nodes_on_one_database_count_together() {
    let data = TestData::on_postgres();
    let first = start(&data, &[]);
    let second = TestServer::start_with(&data, &[ON]);
    for node in [&first, &second, &first, &second, &first] {
        assert_eq!(node.client().log_in_with("john", WRONG).status, 401);
    }
    assert_eq!(wear_out(|| second.client().log_in_with("john", WRONG)), 2);
    assert_limited(&second.client().log_in("john"), r#""account";q=5"#);
    assert_limited(&first.client().log_in("john"), r#""account";q=5"#);
}

#[test]
fn only_valid_registrations_count_toward_the_limit() {
    for data in TestData::on_every_store() {
        let limits =
            [("AUTH_LIMITS__REGISTRATION_BURST", "3"), ("AUTH_LIMITS__REGISTRATION_PER_MINUTE", "1")];
        let server = start(&data, &limits);
        let client = server.client();
        for _ in 0..10 {
            assert_eq!(client.post("/v1/auth/register", r#"{"username":"jane"}"#).status, 400);
        }
        assert_eq!(client.register("jane").status, 201);
        assert_eq!(client.register("john").status, 409, "a name that is taken costs a hash, too");
        assert_limited(&client.register("june"), r#""registration";q=1;w=60"#);
        assert_eq!(client.log_in("jane").status, 200);
    }
}

#[test]
fn resetting_the_connection_does_not_evade_the_limit() {
    let data = TestData::on_sqlite();
    let limits = [("AUTH_LIMITS__REGISTRATION_BURST", "3"), ("AUTH_LIMITS__REGISTRATION_PER_MINUTE", "1")];
    let server = start(&data, &limits);
    for number in 0..20 {
        let body =
            format!(r#"{{"username":"user{number}","email":"{number}@example.com","password":"P@ssw0rd!"}}"#);
        let head = "POST /v1/auth/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
        let mut stream = connect(server.base());
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    }
    // Those that were closed before they were read count for nothing; the rest counts like any other.
    let client = server.client();
    let refused = (0..4)
        .map(|_| Client::retry_overloaded(|| client.register("june")))
        .find(|response| response.status == 429);
    assert_limited(&refused.expect("three at the most"), r#""registration";q=1;w=60"#);
    let users = run(&data, &["user", "list", "--json"], "");
    assert!(users.matches("@example.com").count() <= 4, "three, and one more a minute: {users}");
}

#[test]
fn only_failed_refreshes_count_toward_the_limit() {
    for data in TestData::on_every_store() {
        let server = start(&data, &[("AUTH_LIMITS__REFRESH_PER_5_MINUTES", "4")]);
        let client = server.client();
        let mut token = client.log_in("john").member("acc_token");
        for _ in 0..8 {
            token = client.refresh(&token).member("token");
        }
        for _ in 0..4 {
            assert_eq!(client.refresh("nonsense").status, 401);
        }
        assert_limited(&client.refresh("nonsense"), r#""refresh";q=4;w=300"#);
        assert_eq!(client.refresh(&token).status, 200, "failures of others end no session");
        assert_eq!(client.open(&token).status, 200, "requests with an access token are not limited");
    }
}

#[test]
fn api_key_is_limited_by_account_and_not_by_address() {
    for data in TestData::on_every_store() {
        let limits = [("AUTH_LIMITS__LOGIN_BURST", "2"), ("AUTH_LIMITS__REGISTRATION_BURST", "2")];
        let server = start(&data, &limits);
        let mut create = command(&data);
        let create = create
            .args([
                "api-key",
                "create",
                "--name",
                "backend",
                "--scope",
                "users:read,users:write,users:roles,auth",
            ])
            .stderr(Stdio::null());
        let output = String::from_utf8(create.output().expect("run").stdout).expect("UTF-8");
        let key = output.lines().last().expect("a key");
        let keyed = |path: &str, body: &str| server.client().send("POST", path, &[("X-API-Key", key)], body);
        let log_in = |name: &str, password: &str| {
            keyed("/api/v1/auth/login", &format!(r#"{{"username":"{name}","password":"{password}"}}"#))
        };
        for number in 0..6 {
            let name = format!("user{number}");
            let user =
                format!(r#"{{"username":"{name}","email":"{name}@example.com","password":"{RIGHT}"}}"#);
            assert_eq!(keyed("/api/v1/users", &user).status, 201);
            assert_eq!(log_in(&name, WRONG).status, 401);
        }
        assert_eq!(wear_out(|| log_in("john", WRONG)), 7);
        log_in("john", RIGHT).assert(429, r#"{"error":"Too many requests."}"#);
        assert_eq!(log_in("user0", RIGHT).status, 200);
    }
}

#[test]
fn activating_a_user_from_the_shell_clears_their_limit() {
    let data = TestData::on_postgres();
    let server = start(&data, &[]);
    let client = server.client();
    assert_eq!(wear_out(|| client.log_in_with("john", WRONG)), 7);
    assert_eq!(client.log_in("john").status, 429);
    let mut activate = command(&data);
    let activate = activate.env(ON.0, ON.1).args(["user", "activate", "john"]);
    let activated = activate.stdout(Stdio::null()).status();
    assert!(activated.expect("run").success());
    assert_eq!(client.log_in("john").status, 200);
}

#[test]
fn disabled_limits_never_throttle() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_RATE_LIMIT", "off")]);
    let client = server.client();
    for _ in 0..40 {
        assert_eq!(client.log_in_with("john", WRONG).status, 401);
    }
    assert!((0..110).all(|number| client.register(&format!("user{number}")).status == 201));
}

/// A dialect whose refresh tokens rotate, as a client uses it.
struct RotatingClient<'a> {
    name: &'static str,
    log_in: Box<dyn Fn() -> Response + 'a>,
    refresh: Box<dyn Fn(&str) -> Response + 'a>,
    /// The token to refresh with, in the answer to a login or a refresh.
    token: fn(&Response) -> String,
    too_many: &'static str,
}

fn rotating_clients<'a>(client: &'a Client, key: &'a str) -> [RotatingClient<'a>; 4] {
    let by_email = r#"{"email":"john","password":"P@ssw0rd!"}"#;
    let by_username = r#"{"username":"john","password":"P@ssw0rd!"}"#;
    let member = |path: &'static str, name: &'static str| {
        move |token: &str| client.post(path, &format!(r#"{{"{name}":"{token}"}}"#))
    };
    let keyed = move |path: &str, body: &str| client.send("POST", path, &[("X-API-Key", key)], body);
    [
        RotatingClient {
            name: "token_pair",
            log_in: Box::new(move || client.post("/api/v1/auth/login", by_email)),
            refresh: Box::new(member("/api/v1/auth/refresh", "refreshToken")),
            token: |response| response.member("refreshToken"),
            too_many: r#"{"error":"Too many requests"}"#,
        },
        RotatingClient {
            name: "single_token",
            log_in: Box::new(move || client.log_in("john")),
            refresh: Box::new(member("/v1/auth/refresh", "ref_token")),
            token: |response| {
                let body = response.json();
                body["acc_token"].as_str().or(body["token"].as_str()).expect("a token").to_owned()
            },
            too_many: r#"{"error":"Too many requests."}"#,
        },
        RotatingClient {
            name: "cookie",
            log_in: Box::new(move || client.post("/api/auth/login", by_username)),
            refresh: Box::new(|cookie| client.send("POST", "/api/auth/refresh", &[("Cookie", cookie)], "")),
            token: |response| {
                let cookie = response.header("set-cookie").expect("a cookie");
                cookie.split(';').next().expect("a pair").to_owned()
            },
            too_many: r#"{"message":"Too many requests."}"#,
        },
        RotatingClient {
            name: "directory",
            log_in: Box::new(move || keyed("/api/v1/auth/login", by_username)),
            refresh: Box::new(move |token| {
                keyed("/api/v1/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#))
            }),
            token: |response| response.member("token"),
            too_many: r#"{"error":"Too many requests."}"#,
        },
    ]
}

/// The retry window of the test below.
const WINDOW: Duration = Duration::from_secs(4);

#[test]
fn rotations_of_a_session_are_limited_without_ending_it() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_TOKEN__RETRY_GRACE_SECONDS", "4")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let made = run(
            &data,
            &["api-key", "create", "--name", "backend", "--scope", "users:read,users:write,users:roles,auth"],
            "",
        );
        let key = made.trim().lines().last().expect("a key");
        thread::scope(|scope| {
            for rotating in 0..4 {
                let client = &client;
                scope.spawn(move || assert_rotations_limited(&rotating_clients(client, key)[rotating]));
            }
        });
    }
}

fn assert_rotations_limited(client: &RotatingClient<'_>) {
    let name = client.name;
    let logged_in = Client::retry_overloaded(&client.log_in);
    let mut token = (client.token)(&logged_in);
    let mut previous = token.clone();
    let (started, mut rotations) = (Instant::now(), 0);
    let limited = loop {
        let response = (client.refresh)(&token);
        if response.status == 429 {
            break response;
        }
        assert_eq!(response.status, 200, "{name}: {response:?}");
        rotations += 1;
        previous = std::mem::replace(&mut token, (client.token)(&response));
    };
    // On a slow machine the first rotations leave the window before the 17th.
    assert!(rotations == 16 || (rotations > 16 && started.elapsed() > WINDOW), "{name}: {rotations}");
    assert_eq!(limited.body, client.too_many, "{name}");
    let seconds: u64 = limited.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=WINDOW.as_secs()).contains(&seconds), "{name}: {limited:?}");
    assert_eq!(limited.header("ratelimit-policy"), Some(r#""rotation";q=16;w=4"#), "{name}");
    assert_eq!(
        limited.header("ratelimit"),
        Some(format!(r#""rotation";r=0;t={seconds}"#).as_str()),
        "{name}"
    );

    let retry = (client.refresh)(&previous);
    assert_eq!(retry.status, 200, "a retry is no rotation: {name}: {retry:?}");
    thread::sleep(Duration::from_secs(seconds));
    let response = (client.refresh)(&token);
    assert_eq!(response.status, 200, "{name}: {response:?}");
}
