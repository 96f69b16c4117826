//! What is lost when things break: nothing that was acknowledged.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use e2e::{Answer, Client, Server, World, connect};
use test_postgres::TestPostgres;

/// Fails unless the answer tells the client to come back, and not that it was wrong.
fn assert_away(answer: &Answer) {
    answer.assert(503, r#"{"error":"Service unavailable."}"#);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

fn assert_all_away(client: &Client, token: &str) {
    for request in [&(|| client.register("late")) as &dyn Fn() -> Answer, &|| client.log_in("john"), &|| {
        client.refresh(token)
    }] {
        let started = Instant::now();
        assert_away(&request());
        assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
    }
    let ready = client.get("/health/ready", None);
    ready.assert(503, r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#);
    assert_eq!(client.get("/health/live", None).status, 200);
}

#[test]
fn a_store_that_goes_away_is_503_and_comes_back_without_a_restart() {
    let postgres = TestPostgres::start();
    let world = World::at(postgres.create_database());
    let server = Server::start(&world);
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
fn a_store_that_is_away_at_the_start_is_503_until_it_is_there() {
    let postgres = TestPostgres::start();
    let world = World::at(postgres.create_database());
    let token = {
        let server = Server::start(&world);
        assert_eq!(server.client().register("john").status, 201);
        server.client().log_in("john").member("acc_token")
    };

    postgres.stop();
    let server = Server::start_unready(&world, &[]);
    assert_all_away(&server.client(), &token);
    assert_away(&server.client().open(&token));

    postgres.restart();
    server.wait_until_ready();
    assert_eq!(server.client().open(&token).status, 200);
}

#[test]
fn what_was_acknowledged_survives_a_kill_on_every_store() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let client = server.client();
        let names: Vec<_> = (0..20).map(|number| format!("user{number}")).collect();
        for name in &names {
            assert_eq!(client.register(name).status, 201);
        }
        let token = client.log_in("user0").member("acc_token");
        let renewed = client.refresh(&token).member("token");
        server.kill();

        let server = Server::start(&world);
        let client = server.client();
        for name in &names {
            assert_eq!(client.log_in(name).status, 200, "{name}");
        }
        assert_eq!(client.open(&renewed).status, 200, "the signing key is the same");
        assert_eq!(
            client.refresh(&token).member("token"),
            renewed,
            "a retry after the restart gets the same answer"
        );
        let next = client.refresh(&renewed).member("token");
        assert_eq!(client.refresh(&token).status, 401, "its successor was used: a replay");
        assert_eq!(client.open(&next).status, 401, "which ends the session");
    }
}

#[test]
fn a_request_under_way_is_answered_when_the_server_is_told_to_stop() {
    for signal in ["TERM", "INT"] {
        let world = World::on_sqlite();
        let server = Server::start(&world);
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
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        assert!(server.wait_for_end().success(), "{signal}");
    }
}
