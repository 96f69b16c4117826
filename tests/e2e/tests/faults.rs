//! What is lost when things break: nothing that was acknowledged.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use e2e::{Client, Response, TestData, TestServer, claims, connect};
use test_postgres::TestPostgres;

/// Fails unless the answer tells the client to come back, and not that it was wrong.
fn assert_away(response: &Response) {
    response.assert(503, r#"{"error":"Service unavailable."}"#);
    assert_eq!(response.header("retry-after"), Some("1"));
}

fn assert_all_away(client: &Client, token: &str) {
    for request in
        [&(|| client.register("late")) as &dyn Fn() -> Response, &|| client.log_in("john"), &|| {
            client.refresh(token)
        }]
    {
        let started = Instant::now();
        assert_away(&request());
        assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
    }
    let ready = client.get("/health/ready", None);
    ready.assert(503, r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#);
    assert_eq!(client.get("/health/live", None).status, 200);
}

#[test]
fn lost_store_answers_503_and_recovers_without_a_restart() {
    let postgres = TestPostgres::start();
    let data = TestData::at(postgres.create_database());
    let server = TestServer::start(&data);
    let client = server.client();
    assert_eq!(client.register("john").status, 201);
    let token = client.log_in("john").member("acc_token");

    postgres.stop();
    assert_all_away(&client, &token);

    postgres.restart();
    server.wait_until_ready();
    assert_eq!(client.open(&token).status, 200);
    assert_eq!(client.refresh(&token).status, 200);
    assert_eq!(client.log_in("john").status, 200);
}

#[test]
fn store_missing_at_start_answers_503_until_it_returns() {
    let postgres = TestPostgres::start();
    let data = TestData::at(postgres.create_database());
    let token = {
        let server = TestServer::start(&data);
        assert_eq!(server.client().register("john").status, 201);
        server.client().log_in("john").member("acc_token")
    };

    postgres.stop();
    let server = TestServer::start_unready(&data, &[]);
    assert_all_away(&server.client(), &token);
    assert_away(&server.client().open(&token));

    postgres.restart();
    server.wait_until_ready();
    assert_eq!(server.client().open(&token).status, 200);
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let client = server.client();
        let names: Vec<_> = (0..20).map(|number| format!("user{number}")).collect();
        for name in &names {
            assert_eq!(client.register(name).status, 201);
        }
        let token = client.log_in("user0").member("acc_token");
        let renewed = client.refresh(&token).member("token");
        server.kill();

        let server = TestServer::start(&data);
        let client = server.client();
        assert_eq!(client.open(&renewed).status, 200, "the signing key is the same");
        let again = client.refresh(&token).member("token");
        assert_eq!(claims(&again), claims(&renewed), "a retry after the restart gets the same successor");
        assert_eq!(client.open(&again).status, 200);
        let next = client.refresh(&renewed).member("token");
        let again = client.refresh(&token).member("token");
        assert_eq!(claims(&again), claims(&next), "a retry gets the current token");
        for name in &names {
            assert_eq!(client.log_in(name).status, 200, "{name}");
        }
        server.kill();

        let server = TestServer::start_with(&data, &[("AUTH_TOKEN__RETRY_GRACE_SECONDS", "0")]);
        let client = server.client();
        assert_eq!(client.open(&next).status, 200);
        assert_eq!(client.refresh(&token).status, 401, "a replay");
        assert_eq!(client.open(&next).status, 401, "which ends the session");
    }
}

#[test]
fn request_in_flight_is_answered_during_shutdown() {
    for signal in ["TERM", "INT", "HUP"] {
        let data = TestData::on_sqlite();
        // The test itself may run under nohup, which a process inherits.
        let server = TestServer::start_under(&["env", "--default-signal=HUP"], &data, &[]);
        server.wait_until_ready();
        let body = r#"{"username":"john","email":"john@example.com","password":"P@ssw0rd!"}"#;
        let (first, last) = body.split_at(20);
        let mut stream = connect(server.base());
        write!(
            stream,
            "POST /v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{first}",
            body.len()
        )
        .expect("sent");
        server.wait_for("reading", || server.client().get("/health/live", None).status == 200);
        server.signal(signal);
        server.wait_for("stopping", || server.log().contains("stopping"));
        stream.write_all(last.as_bytes()).expect("sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap_or_else(|error| panic!("{signal}: {error}"));
        assert!(response.starts_with("HTTP/1.1 201"), "{signal}: {response}");
        assert!(server.wait_for_end().success(), "{signal}");
    }
}
