//! Tokens are verifiable with the published keys.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, PUBLIC_URL, TestData, TestServer, run};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// Verifies a token as a stranger would: with the keys that the server publishes, by a library that is not the
/// service's.
fn verify(client: &Client, token: &str) -> Value {
    let keys: JwkSet =
        serde_json::from_value(client.get("/.well-known/jwks.json", None).json()).expect("a JWK set");
    let header = decode_header(token).expect("a header");
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let key = keys.find(&header.kid.expect("a kid")).expect("the key is published");
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[PUBLIC_URL]);
    validation.set_audience(&[PUBLIC_URL]);
    decode(token, &DecodingKey::from_jwk(key).expect("a key"), &validation).expect("valid").claims
}

#[test]
fn published_keys_verify_a_token() {
    let eddsa = [("AUTH_TOKEN__ALGORITHM", "EdDSA")];
    for (settings, algorithm) in [(&[][..], Algorithm::ES256), (&eddsa, Algorithm::EdDSA)] {
        let data = TestData::on_sqlite();
        let server = TestServer::start_with(&data, settings);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let token = client.log_in("john").member("acc_token");
        assert_eq!(decode_header(&token).expect("a header").alg, algorithm);
        let claims = verify(&client, &token);
        assert_eq!(claims["client_id"], "single_token");
        assert_eq!(claims["roles"], serde_json::json!(["customer"]));
        let lifetime = claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat");
        assert_eq!(lifetime, 900);
        for claim in ["sub", "sid", "jti"] {
            assert_eq!(claims[claim].as_str().map(str::len), Some(36), "{claim} is a UUID");
        }
    }
}

/// Adds a key that signs after three seconds.
fn rotate(data: &TestData) -> String {
    let set = ["--set", "token.jwks_max_age_seconds=1", "--set", "token.rotation_delay_seconds=3"];
    let printed = run(data, &[&set[..], &["keys", "rotate"]].concat(), "");
    assert!(printed.contains(" is published now and signs from 20"), "{printed}");
    printed.split(' ').next().expect("a kid").to_owned()
}

fn published(client: &Client) -> usize {
    client.get("/.well-known/jwks.json", None).json()["keys"].as_array().expect("keys").len()
}

#[test]
fn rotating_changes_the_algorithm_without_a_restart() {
    let data = TestData::on_sqlite();
    let warning = "token.algorithm is ES256, but the current key signs with EdDSA: run auth-http keys rotate";
    let algorithm = |token: &str| decode_header(token).expect("a header").alg;

    // An installation from before ES256 became the default.
    let server = TestServer::start_with(&data, &[("AUTH_TOKEN__ALGORITHM", "EdDSA")]);
    assert_eq!(server.client().register("john").status, 201);
    let old = server.client().log_in("john").member("acc_token");
    assert!(!server.log().contains("token.algorithm"), "{}", server.log());
    drop(server);

    let server = TestServer::start(&data);
    let client = server.client();
    assert!(server.log().contains(warning), "{}", server.log());
    assert!(run(&data, &["config", "check"], "").contains(warning));
    assert_eq!(algorithm(&log_in(&client)), Algorithm::EdDSA, "the existing key signs");

    rotate(&data);
    server.wait_for("published", || published(&client) == 2);
    assert_eq!(algorithm(&log_in(&client)), Algorithm::EdDSA, "it is published before it signs");
    assert_eq!(client.register(PROBE).status, 201);
    server.wait_for("signing", || algorithm(&probe(&client)) == Algorithm::ES256);
    let new = log_in(&client);
    for token in [&old, &new] {
        assert_eq!(client.open(token).status, 200);
        assert_eq!(verify(&client, token)["client_id"], "single_token");
    }
    assert_eq!(algorithm(&client.refresh(&old).member("token")), Algorithm::ES256);
    assert!(!run(&data, &["config", "check"], "").contains("token.algorithm"));
    drop(server);
    let server = TestServer::start(&data);
    assert!(!server.log().contains("token.algorithm"), "{}", server.log());
}

#[test]
fn key_set_may_be_cached_for_the_configured_time() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let cached = |path: &str| server.client().get(path, None).header("cache-control").map(str::to_owned);
    assert_eq!(cached("/.well-known/jwks.json").as_deref(), Some("public, max-age=300"));
    assert_eq!(cached("/health/live").as_deref(), Some("no-store"));
    drop(server);
    let settings = [("AUTH_TOKEN__JWKS_MAX_AGE_SECONDS", "60"), ("AUTH_TOKEN__ROTATION_DELAY_SECONDS", "61")];
    let server = TestServer::start_with(&data, &settings);
    let answer = server.client().get("/.well-known/jwks.json", None);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
}

#[test]
fn stolen_key_is_revoked_on_every_node_at_once() {
    let data = TestData::on_postgres();
    let nodes = [(); 2].map(|()| TestServer::start(&data));
    let clients = nodes.each_ref().map(TestServer::client);
    assert_eq!(clients[0].register("john").status, 201);
    assert_eq!(clients[0].register(PROBE).status, 201);
    let old = log_in(&clients[0]);
    let credentials = r#"{"username":"john","password":"P@ssw0rd!"}"#;
    let opaque = clients[0].post("/api/v1/auth/login", credentials).member("refresh_token");

    let printed = run(&data, &["keys", "rotate", "--now"], "");
    assert!(printed.contains(" signs from now on. Every earlier key is revoked: "), "{printed}");
    let new = printed.split(' ').next().expect("a kid");
    for (node, client) in nodes.iter().zip(&clients) {
        node.wait_for("signing with the new key", || key_of(&probe(client)) == new);
        assert_eq!(client.open(&old).status, 401);
        assert_eq!(client.refresh(&old).status, 401, "a self-renewing token is signed by the stolen key");
        assert_eq!(client.open(&log_in(client)).status, 200);
        assert_eq!(published(client), 1);
    }
    // The refresh tokens of this dialect are opaque: its users stay logged in.
    let refreshed = clients[1].post("/api/v1/auth/refresh", &format!(r#"{{"refresh_token":"{opaque}"}}"#));
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let list = run(&data, &["keys", "list"], "");
    assert_eq!((list.matches(" signs\n").count(), list.matches(" revoked\n").count()), (1, 1), "{list}");
}

#[test]
fn nodes_with_different_keys_are_reported() {
    let data = TestData::on_postgres();
    let other = tempfile::tempdir().expect("a directory");
    let other_keys = other.path().join("keys").display().to_string();
    let nodes = [TestServer::start(&data), TestServer::start_with(&data, &[("AUTH_KEYS_DIR", &other_keys)])];
    let clients = nodes.each_ref().map(TestServer::client);
    assert_eq!(clients[0].register("john").status, 201);
    let kids = clients.each_ref().map(|client| key_of(&log_in(client)));
    assert_ne!(kids[0], kids[1]);
    let deadline = Instant::now() + Duration::from_secs(60);
    for node in &nodes {
        let is_reported = || {
            let log = node.log();
            let line =
                log.lines().find(|line| line.contains("two nodes of this store have different signing keys"));
            line.is_some_and(|line| kids.iter().all(|kid| line.contains(kid.as_str())))
        };
        while !is_reported() {
            assert!(Instant::now() < deadline, "not reported: {}", node.log());
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The promise is two seconds; a machine that runs many tests at once may stumble.
const MAX_PROPAGATION: Duration = Duration::from_secs(10);

fn key_of(token: &str) -> String {
    decode_header(token).expect("a header").kid.expect("a kid")
}

/// Waits log in as this user again and again. More than 50 log-ins would end the oldest sessions of the user under test.
const PROBE: &str = "jane";

/// A token that the node has just signed.
fn probe(client: &Client) -> String {
    Client::retry_overloaded(|| client.log_in(PROBE)).member("acc_token")
}

fn log_in(client: &Client) -> String {
    Client::retry_overloaded(|| client.log_in("john")).member("acc_token")
}

#[test]
fn key_rotation_reaches_both_nodes_and_fails_no_request() {
    let data = TestData::on_postgres();
    // The test logs in more often than the default limit of live sessions allows.
    let nodes = [(); 2].map(|()| TestServer::start_with(&data, &[("AUTH_SESSION__MAX_LIVE", "1000")]));
    let clients = nodes.each_ref().map(TestServer::client);
    assert_eq!(clients[0].register("john").status, 201);
    let old = clients[0].log_in("john").member("acc_token");
    let stop = AtomicBool::new(false);

    thread::scope(|scope| {
        // Both nodes verify old and new tokens while the keys rotate.
        let loads = [0, 1].map(|node| {
            let (clients, old, stop) = (&clients, &old, &stop);
            scope.spawn(move || {
                let mut opened = 0;
                while !stop.load(Ordering::Relaxed) {
                    let new = log_in(&clients[node]);
                    for (client, token) in clients.iter().flat_map(|client| [(client, old), (client, &new)]) {
                        assert_eq!(client.open(token).status, 200, "signed by {}", key_of(token));
                        opened += 1;
                    }
                }
                opened
            })
        });
        for _ in 0..3 {
            let before = key_of(&log_in(&clients[0]));
            let count = published(&clients[0]);
            let new = rotate(&data);
            let rotated = Instant::now();
            for client in &clients {
                while published(client) == count {
                    assert!(rotated.elapsed() < MAX_PROPAGATION, "{new} is not published");
                }
            }
            for client in &clients {
                while key_of(&log_in(client)) == before {
                    assert!(rotated.elapsed() < MAX_PROPAGATION, "still signed by {before}");
                }
                assert!(rotated.elapsed() > Duration::from_secs(1), "it signed before it was published");
            }
        }
        stop.store(true, Ordering::Relaxed);
        let opened: u32 = loads.map(|load| load.join().expect("no request failed")).into_iter().sum();
        assert!(opened > 20, "{opened} requests");
    });

    for client in &clients {
        assert_eq!(published(client), 4);
        verify(client, &old);
        verify(client, &log_in(client));
    }
    assert_eq!(clients[1].refresh(&old).status, 200);
    let list = run(&data, &["keys", "list"], "");
    assert_eq!(list.matches(" verifies until ").count(), 3, "{list}");
    assert_eq!(list.matches(" signs\n").count(), 1, "{list}");
}
