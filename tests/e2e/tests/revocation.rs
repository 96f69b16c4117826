//! Ended means ended: an access token of a session that is over opens nothing, on any node, although no request asks the
//! store.

use std::env;
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::{Client, TestData, TestServer, run};
use test_postgres::TestPostgres;

const PASSWORD: &str = "P@ssw0rd!";
/// The longest that another node or another process takes to be seen. The promise is one second; a machine that runs
/// many tests at once may stumble.
const MAX_PROPAGATION: Duration = Duration::from_secs(5);

/// How long it takes until the token opens nothing any more.
fn time_to_refusal(client: &Client, token: &str) -> Duration {
    let began = Instant::now();
    loop {
        match client.open(token).status {
            401 => return began.elapsed(),
            200 => assert!(began.elapsed() < MAX_PROPAGATION, "still open after {:?}", began.elapsed()),
            status => panic!("{status}"),
        }
        sleep(Duration::from_millis(5));
    }
}

/// Logs in and checks that the token opens the protected resource.
fn log_in(client: &Client, name: &str) -> String {
    let token = client.log_in(name).member("acc_token");
    assert_eq!(client.open(&token).status, 200);
    token
}

#[expect(clippy::print_stdout, reason = "the measured times are the output")]
fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, max) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: {} trials, median {median:?}, max {max:?}", times.len());
}

#[test]
fn logout_revokes_the_access_token_at_once() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let login = format!(r#"{{"username":"john","password":"{PASSWORD}"}}"#);

        let accounts = client.post("/api/v1/auth/login", &login);
        let token = accounts.member("access_token");
        assert_eq!(client.open(&token).status, 200);
        let refresh_token = accounts.member("refresh_token");
        let logout = client.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{refresh_token}"}}"#));
        assert_eq!(logout.status, 200, "{logout:?}");
        assert_eq!(client.open(&token).status, 401, "accounts");

        let cookie = client.post("/api/auth/login", &login);
        let token = cookie.json()["data"]["token"].as_str().expect("a token").to_owned();
        assert_eq!(client.open(&token).status, 200);
        let bearer = format!("Bearer {token}");
        let logout = client.send("POST", "/api/auth/logout", &[("Authorization", &bearer)], "{}");
        assert_eq!(logout.status, 200, "{logout:?}");
        assert_eq!(client.open(&token).status, 401, "cookie");
    }
}

#[test]
fn replay_revokes_the_newest_access_token_at_once() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_TOKEN__RETRY_GRACE_SECONDS", "0")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let first = log_in(&client, "john");
        let second = client.refresh(&first).member("token");
        let third = client.refresh(&second).member("token");
        let other = log_in(&client, "john");
        assert_eq!(client.open(&third).status, 200);
        assert_eq!(client.refresh(&first).status, 401, "a replay");
        for token in [&first, &second, &third] {
            assert_eq!(client.open(token).status, 401);
        }
        assert_eq!(client.open(&other).status, 200, "another session goes on");
    }
}

#[test]
fn evicted_session_is_revoked_at_once() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_SESSION__MAX_LIVE", "2")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let tokens = [(); 3].map(|()| log_in(&client, "john"));
        let statuses = tokens.map(|token| client.open(&token).status);
        assert_eq!(statuses, [401, 200, 200]);
    }
}

#[test]
fn shell_commands_revoke_access_tokens_within_a_second() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.register("jane").status, 201);
        assert_eq!(client.register("john").status, 201);
        let johns = log_in(&client, "john");
        let mut times = Vec::new();
        for (arguments, input) in [
            (&["user", "set-roles", "jane", "staff"][..], ""),
            (&["user", "set-password", "jane"], "P@ssw0rd!\n"),
            (&["user", "suspend", "jane"], ""),
            (&["user", "delete", "jane"], ""),
        ] {
            let token = log_in(&client, "jane");
            run(&data, arguments, input);
            times.push(time_to_refusal(&client, &token));
            if arguments[1] == "suspend" {
                run(&data, &["user", "activate", "jane"], "");
                assert_eq!(client.open(&token).status, 401, "a session does not come back");
            }
        }
        assert_eq!(client.open(&johns).status, 200, "the session of another user goes on");
        report("by the shell", times);
    }
}

#[test]
fn setting_unchanged_roles_ends_no_session() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    assert_eq!(client.register("jane").status, 201);
    let token = log_in(&client, "jane");
    run(&data, &["user", "set-roles", "jane", "customer"], "");
    sleep(Duration::from_secs(1));
    assert_eq!(client.open(&token).status, 200);
}

/// With `REVOCATION_TRIALS` in the environment, as many trials as it says; the times are on standard output
/// (`cargo test -p e2e --test revocation nodes -- --nocapture`).
#[test]
fn logout_reaches_the_other_node_within_a_second() {
    let data = TestData::on_postgres();
    let (one, two) = (TestServer::start(&data), TestServer::start(&data));
    let (here, there) = (one.client(), two.client());
    assert_eq!(here.register("john").status, 201);
    let trials = env::var("REVOCATION_TRIALS").map_or(20, |trials| trials.parse().expect("a number"));
    let login = format!(r#"{{"username":"john","password":"{PASSWORD}"}}"#);
    let times = (0..trials).map(|_| {
        let tokens = here.post("/api/v1/auth/login", &login);
        let (access, refresh) = (tokens.member("access_token"), tokens.member("refresh_token"));
        assert_eq!(there.open(&access).status, 200);
        let logout = here.post("/api/v1/auth/logout", &format!(r#"{{"refresh_token":"{refresh}"}}"#));
        assert_eq!(logout.status, 200);
        let time = time_to_refusal(&there, &access);
        assert_eq!(here.open(&access).status, 401);
        time
    });
    report("on another node", times.collect());
}

#[test]
fn store_outage_is_tolerated_briefly_then_503_never_401() {
    let postgres = TestPostgres::start();
    let data = TestData::at(postgres.create_database());
    let server = TestServer::start(&data);
    let client = server.client();
    assert_eq!(client.register("john").status, 201);
    let token = log_in(&client, "john");

    postgres.stop();
    let stopped = Instant::now();
    while stopped.elapsed() < Duration::from_millis(3_500) {
        assert_eq!(client.open(&token).status, 200, "after {:?}", stopped.elapsed());
        sleep(Duration::from_millis(50));
    }
    server.wait_for("asking the store", || client.open(&token).status == 503);
    for _ in 0..20 {
        let response = client.open(&token);
        response.assert(503, r#"{"error":"Service unavailable."}"#);
        assert_eq!(response.header("retry-after"), Some("1"));
        sleep(Duration::from_millis(50));
    }

    postgres.restart();
    server.wait_until_ready();
    server.wait_for("open again", || client.open(&token).status == 200);
    sleep(Duration::from_secs(1));
    let token = log_in(&client, "john");
    run(&data, &["user", "suspend", "john"], "");
    time_to_refusal(&client, &token);
}

#[test]
fn session_ended_while_a_node_is_down_is_revoked_at_start() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        assert_eq!(server.client().register("john").status, 201);
        let token = log_in(&server.client(), "john");
        drop(server);
        run(&data, &["user", "set-password", "john"], "another one\n");
        let server = TestServer::start(&data);
        for _ in 0..20 {
            assert_eq!(server.client().open(&token).status, 401);
            sleep(Duration::from_millis(25));
        }
    }
}
