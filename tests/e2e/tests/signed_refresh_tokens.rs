//! The refresh tokens of `token_pair` are signed, and only its refresh endpoint accepts them.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use auth_http::dialects::{ALL, Endpoint};
use e2e::{Client, Grant, PUBLIC_URL, Response, RotatingDialect, TestData, TestServer, run};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3_600;

/// No resource server has this audience.
fn refresh_audience() -> String {
    format!("{PUBLIC_URL}/refresh")
}

fn server_with_john(data: &TestData) -> (TestServer, Client) {
    let server = TestServer::start(data);
    let client = server.client();
    assert_eq!(client.register("john").status, 201);
    (server, client)
}

fn refresh(client: &Client, token: &str) -> Response {
    client.post("/api/v1/auth/refresh", &format!(r#"{{"refreshToken":"{token}"}}"#))
}

fn refreshed(client: &Client, token: &str) -> Grant {
    RotatingDialect::TokenPair.refreshed(&refresh(client, token))
}

/// Verifies a token with the published keys, and returns its header and its claims.
fn verify(client: &Client, token: &str) -> (Header, Value) {
    let keys: JwkSet =
        serde_json::from_value(client.get("/.well-known/jwks.json", None).json()).expect("a JWK set");
    let header = decode_header(token).expect("a header");
    let key = keys.find(header.kid.as_deref().expect("a kid")).expect("the key is published");
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[PUBLIC_URL]);
    validation.set_audience(&[PUBLIC_URL, &refresh_audience()]);
    let token = decode(token, &DecodingKey::from_jwk(key).expect("a key"), &validation).expect("valid");
    (header, token.claims)
}

#[test]
fn refresh_token_has_exactly_the_documented_claims() {
    let data = TestData::on_sqlite();
    let (_server, client) = server_with_john(&data);
    let first = RotatingDialect::TokenPair.log_in(&client, "john");
    let second = refreshed(&client, &first.refresh_token);
    for grant in [&first, &second] {
        let (header, claims) = verify(&client, &grant.refresh_token);
        let (access_header, access_claims) = verify(&client, &grant.access_token);
        let members = json!({"alg": header.alg, "typ": "rt+jwt", "kid": access_header.kid});
        assert_eq!(serde_json::to_value(&header).expect("JSON"), members);
        let issued_at = claims["iat"].as_u64().expect("a time");
        assert_eq!(
            claims,
            json!({
                "iss": PUBLIC_URL,
                "aud": refresh_audience(),
                "sub": access_claims["sub"],
                "sid": access_claims["sid"],
                "iat": access_claims["iat"],
                "exp": issued_at + 14 * DAY,
                "jti": grant.id(),
            })
        );
        assert_ne!(claims["jti"], access_claims["jti"]);
    }
    assert_ne!(first.id(), second.id());
}

#[test]
fn refresh_token_is_refused_at_every_bearer_route() {
    let data = TestData::on_sqlite();
    let (_server, client) = server_with_john(&data);
    let grant = RotatingDialect::TokenPair.log_in(&client, "john");
    let bearer = |token: &str| format!("Bearer {token}");
    let mut refused = 0;
    for dialect in ALL {
        let profile = dialect.profile();
        for route in dialect.routes() {
            let is_bearer_route = matches!(route.endpoint, Endpoint::Me | Endpoint::ProtectedResource)
                || (profile.name, route.endpoint) == ("cookie", Endpoint::LogOut);
            if !is_bearer_route {
                continue;
            }
            let path = format!("{}{}", profile.prefix, route.path);
            let headers = [("Authorization", &*bearer(&grant.refresh_token))];
            let response = client.send(route.method.as_str(), &path, &headers, "");
            assert_eq!(response.status, 401, "{path}: {response:?}");
            refused += 1;
        }
    }
    assert_eq!(refused, 5, "three profiles, one resource, one logout");
    assert_eq!(client.open(&grant.access_token).status, 200, "the session is live");
    let _ = refreshed(&client, &grant.refresh_token);
}

#[test]
fn refresh_token_is_refused_by_other_dialects() {
    let data = TestData::on_sqlite();
    let (_server, client) = server_with_john(&data);
    let made = run(
        &data,
        &["api-key", "create", "--name", "backend", "--scope", "users:read,users:write,users:roles,auth"],
        "",
    );
    let key = made.trim().lines().last().expect("a key");
    let grant = RotatingDialect::TokenPair.log_in(&client, "john");
    let token = &grant.refresh_token;
    let cookie = format!("refresh_token={token}");
    for (path, headers, body, status) in [
        ("/v1/auth/refresh", vec![], format!(r#"{{"ref_token":"{token}"}}"#), 401),
        ("/api/v1/auth/refresh", vec![], format!(r#"{{"refresh_token":"{token}"}}"#), 403),
        ("/api/v1/auth/refresh", vec![("X-API-Key", key)], format!(r#"{{"refresh_token":"{token}"}}"#), 401),
        ("/api/auth/refresh", vec![("Cookie", cookie.as_str())], String::new(), 401),
        ("/api/v1/auth/logout", vec![], format!(r#"{{"refresh_token":"{token}"}}"#), 200),
    ] {
        let response = client.send("POST", path, &headers, &body);
        assert_eq!(response.status, status, "{path} {body}: {response:?}");
        assert_eq!(client.open(&grant.access_token).status, 200, "{path} has ended the session");
    }
    let _ = refreshed(&client, token);
}

#[test]
fn access_tokens_are_refused_at_the_refresh_of_token_pair() {
    let data = TestData::on_sqlite();
    let (_server, client) = server_with_john(&data);
    for dialect in RotatingDialect::ALL {
        let grant = dialect.log_in(&client, "john");
        let refused = r#"{"error":"Invalid or expired refresh token, or user is inactive"}"#;
        refresh(&client, &grant.access_token).assert(401, refused);
        assert_eq!(client.open(&grant.access_token).status, 200, "the session is live");
    }
}

#[test]
fn key_rotation_does_not_end_sessions() {
    for data in TestData::on_every_store() {
        let (server, client) = server_with_john(&data);
        let first = RotatingDialect::TokenPair.log_in(&client, "john");
        let kid = |grant: &Grant| decode_header(&grant.refresh_token).expect("a header").kid;
        let quickly = ["--set", "token.jwks_max_age_seconds=1", "--set", "token.rotation_delay_seconds=2"];
        run(&data, &[&quickly[..], &["keys", "rotate"]].concat(), "");
        // More than 50 log-ins would end the oldest session of the same user.
        assert_eq!(client.register("jane").status, 201);
        server.wait_for("signing with the new key", || {
            kid(&RotatingDialect::TokenPair.log_in(&client, "jane@example.com")) != kid(&first)
        });
        let second = refreshed(&client, &first.refresh_token);
        assert_ne!(kid(&second), kid(&first));
        assert_eq!(refreshed(&client, &first.refresh_token).id(), second.id(), "a retry after the rotation");
        let _ = refreshed(&client, &second.refresh_token);
    }
}
