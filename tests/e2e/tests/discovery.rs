//! The public documents by which other services verify access tokens.

use e2e::{TestData, TestServer};
use serde_json::{Value, json};

const PATHS: [&str; 2] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
const JWKS: &str = "/.well-known/jwks.json";

#[test]
fn discovery_names_the_issuer_and_the_keys_of_a_token() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_PUBLIC_URL", "https://auth.example.com")]);
    let client = server.client();
    for path in PATHS {
        let response = client.get(path, None);
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        let document = response.json();
        assert_eq!(document["issuer"], "https://auth.example.com");
        assert_eq!(document["jwks_uri"], format!("https://auth.example.com{JWKS}"));
        let algorithms = &document["id_token_signing_alg_values_supported"];
        assert_eq!(*algorithms, json!([client.get(JWKS, None).json()["keys"][0]["alg"]]));
        let members = document.as_object().expect("an object");
        assert!(
            members.keys().all(|name| !name.ends_with("_endpoint")),
            "there are no such endpoints: {document}"
        );
        let post = client.post(path, "{}");
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn every_origin_may_read_the_public_documents() {
    let data = TestData::on_sqlite();
    for settings in [&[][..], &[("AUTH_CORS_ORIGINS", "https://app.example.com")]] {
        let server = TestServer::start_with(&data, settings);
        let client = server.client();
        for path in [PATHS[0], PATHS[1], JWKS] {
            for origin in ["https://app.example.com", "https://evil.example", "capacitor://localhost", "null"]
            {
                let response = client.send("GET", path, &[("origin", origin)], "");
                assert_eq!(response.status, 200);
                assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{origin}");
                assert_eq!(response.header("access-control-allow-credentials"), None, "{origin}");
                let headers = [
                    ("origin", origin),
                    ("access-control-request-method", "GET"),
                    ("access-control-request-headers", "authorization,x-anything"),
                ];
                let preflight = client.send("OPTIONS", path, &headers, "");
                assert_eq!((preflight.status, preflight.body.as_str()), (204, ""), "{origin}");
                assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
                assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD"));
                assert_eq!(preflight.header("access-control-allow-headers"), Some("*, Authorization"));
                assert_eq!(preflight.header("access-control-allow-credentials"), None);
            }
            assert_eq!(client.send("OPTIONS", path, &[], "").status, 405, "no preflight");
        }
    }
}

/// A refused origin is in the log once, whatever and however often it asks.
#[test]
fn refused_origin_is_logged_once_with_the_reason() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let client = server.client();
    for _ in 0..3 {
        for path in ["/v1/protected/resource", "/api/user", "/api/auth/refresh", "/nothing"] {
            let _ = client.send("GET", path, &[("origin", "https://evil.example")], "");
            let _ = client.send("GET", path, &[("origin", "https://secret.example/?token=s3cret")], "");
            let own = [("origin", "https://own.example"), ("sec-fetch-site", "same-origin")];
            let _ = client.send("GET", path, &own, "");
        }
    }
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("a page may not call the service")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    let reason = "the origin https://evil.example is neither that of public_url nor in cors_origins";
    assert!(lines[0].contains(reason), "{}", lines[0]);
    assert!(!log.contains("s3cret") && !log.contains("own.example"), "{log}");
    let line: Value = serde_json::from_str(lines[0]).expect("JSON");
    assert_eq!(line["level"], "WARN");
}
