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
    for (setting, algorithm) in [("EdDSA", Algorithm::EdDSA), ("ES256", Algorithm::ES256)] {
        let data = TestData::on_sqlite();
        let server = TestServer::start_with(&data, &[("AUTH_TOKEN__ALGORITHM", setting)]);
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

/// The promise is two seconds; a machine that runs many tests at once may stumble.
const MAX_PROPAGATION: Duration = Duration::from_secs(10);

fn key_of(token: &str) -> String {
    decode_header(token).expect("a header").kid.expect("a kid")
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
            run(&data, &["keys", "rotate"], "");
            let rotated = Instant::now();
            for client in &clients {
                while key_of(&log_in(client)) == before {
                    assert!(rotated.elapsed() < MAX_PROPAGATION, "still signed by {before}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        let opened: u32 = loads.map(|load| load.join().expect("no request failed")).into_iter().sum();
        assert!(opened > 20, "{opened} requests");
    });

    for client in &clients {
        let keys = client.get("/.well-known/jwks.json", None).json();
        assert_eq!(keys["keys"].as_array().map(Vec::len), Some(4), "{keys}");
        verify(client, &old);
        verify(client, &log_in(client));
    }
    assert_eq!(clients[1].refresh(&old).status, 200);
    let list = run(&data, &["keys", "list"], "");
    assert_eq!(list.matches(" verifies until ").count(), 3, "{list}");
    assert_eq!(list.matches(" signs\n").count(), 1, "{list}");
}
