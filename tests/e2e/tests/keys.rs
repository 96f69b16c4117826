//! Tokens that anybody can verify.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::process::Stdio;

use e2e::{Client, PUBLIC_URL, Server, World, command};
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
fn a_stranger_verifies_a_token_with_the_published_keys() {
    for (setting, algorithm) in [("EdDSA", Algorithm::EdDSA), ("ES256", Algorithm::ES256)] {
        let world = World::on_sqlite();
        let server = Server::start_with(&world, &[("AUTH_TOKEN__ALGORITHM", setting)]);
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

#[test]
fn a_key_rotated_while_serving_signs_soon_and_the_old_one_still_verifies() {
    let world = World::on_sqlite();
    let server = Server::start(&world);
    let client = server.client();
    assert_eq!(client.register("john").status, 201);
    let old = client.log_in("john").member("acc_token");
    let key_of = |token: &str| decode_header(token).expect("a header").kid.expect("a kid");

    let rotated = command(&world).args(["keys", "rotate"]).stdout(Stdio::null()).status();
    assert!(rotated.expect("run").success());
    server.wait_for("rotated", || key_of(&client.log_in("john").member("acc_token")) != key_of(&old));

    assert_eq!(client.open(&old).status, 200);
    assert_eq!(client.refresh(&old).status, 200);
    verify(&client, &old);
    verify(&client, &client.log_in("john").member("acc_token"));
}
