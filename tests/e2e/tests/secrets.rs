//! Where secrets must not be: in the log at any level, and in the store.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs;

use e2e::{TestData, TestServer, command, send_raw};
use test_postgres::TestPostgres;

#[test]
fn no_password_or_token_reaches_the_log_or_the_store() {
    for data in TestData::on_every_store() {
        let server =
            TestServer::start_with(&data, &[("AUTH_LOG__LEVEL", "trace"), ("AUTH_LOG__FORMAT", "json")]);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        let token = client.log_in("john").member("acc_token");
        let renewed = client.refresh(&token).member("token");
        assert_eq!(client.open(&renewed).status, 200);
        assert_eq!(client.get(&format!("/v1/protected/resource?access_token={renewed}"), None).status, 401);
        let wrong = "a wrong password with a typing error";
        assert_eq!(client.log_in_with("john", wrong).status, 401);
        let mut others = secrets_of_other_dialects(&data, &server);
        let log = server.log();
        assert!(log.contains("/v1/auth/login"), "the log is there: {log}");
        assert!(log.contains("wrong_password"), "and so is the audit trail: {log}");
        server.signal("TERM");
        assert!(server.wait_for_end().success());

        let stored = everything_stored(&data);
        for (place, text) in [("log", log), ("store", stored)] {
            others.extend(["P@ssw0rd!", wrong, &token, &renewed].map(str::to_owned));
            for secret in &others {
                assert!(!text.contains(secret), "{secret} is in the {place}");
            }
            assert!(text.contains("wrong_password"), "the audit trail is in the {place}");
            let signatures = [&token, &renewed].map(|token| token.rsplit('.').next().expect("a signature"));
            assert!(
                signatures.iter().all(|signature| !text.contains(*signature)),
                "a signature is in the {place}"
            );
        }
    }
}

#[test]
fn the_password_of_the_database_is_in_no_log_and_no_error() {
    let data = TestData::at("postgres://auth:s3cr3t-of-the-database@127.0.0.1:9/auth".to_owned());
    let server = TestServer::start_unready(&data, &[("AUTH_LOG__LEVEL", "trace")]);
    assert_eq!(server.client().log_in("john").status, 503);
    assert!(!server.log().contains("s3cr3t"), "{}", server.log());
}

/// Sends a secret in every part of a request line, and in headers that identify or trace a request.
fn misplace(server: &TestServer, api_key: &str, secret: &str) {
    let client = server.client();
    let key = ("X-API-Key", api_key);
    let paths = [
        format!("/{secret}"),
        format!("/{secret}/{secret}"),
        format!("/v1/auth/{secret}"),
        format!("/v1/auth/login/{secret}"),
        format!("/api/v1/users/{secret}"),
        format!("/api/v1/users/{secret}/roles"),
        format!("/health/{secret}"),
        format!("/docs/{secret}"),
        format!("/v1/auth/login?password={secret}"),
        format!("/health/live?{secret}"),
        format!("/unknown?token={secret}#{secret}"),
    ];
    let [site, extension, with_port] = [
        format!("https://{secret}"),
        format!("chrome-extension://{secret}"),
        format!("http://{secret}:8080"),
    ];
    for path in &paths {
        for (method, origin) in [
            ("GET", secret),
            ("POST", site.as_str()),
            ("PATCH", extension.as_str()),
            ("OPTIONS", with_port.as_str()),
        ] {
            let headers = [
                key,
                ("Referer", path.as_str()),
                ("User-Agent", secret),
                ("Origin", origin),
                ("X-Forwarded-For", secret),
                ("X-Request-Id", secret),
                ("traceparent", secret),
            ];
            let answer = client.send(method, path, &headers, "");
            let repeated = answer.body.contains(&format!("://{secret}"));
            assert!(!repeated, "{method} {path} repeats the origin: {}", answer.body);
        }
    }
    for line in [
        format!("{secret} / HTTP/1.1"),
        format!("GET http://localhost/{secret} HTTP/1.1"),
        format!("GET //{secret} HTTP/1.1"),
        format!("GET {secret} HTTP/1.1"),
        format!("CONNECT {secret}:443 HTTP/1.1"),
        format!("GET /%2e%2e/{secret} HTTP/1.1"),
        format!("GET /health/live {secret}"),
        format!("GET / {secret} HTTP/1.1"),
    ] {
        let request = format!("{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let _ = send_raw(server.base(), request.as_bytes());
        let host = format!("GET / HTTP/1.1\r\nHost: {secret}\r\n{secret}: x\r\nConnection: close\r\n\r\n");
        let _ = send_raw(server.base(), host.as_bytes());
    }
}

#[test]
fn no_text_of_a_request_line_or_header_reaches_the_log() {
    for format in ["json", "text"] {
        let data = TestData::on_sqlite();
        let settings = [
            ("AUTH_LOG__LEVEL", "trace"),
            ("AUTH_LOG__FORMAT", format),
            ("AUTH_TRUSTED_PROXIES", "127.0.0.0/8"),
        ];
        let server = TestServer::start_with(&data, &settings);
        assert_eq!(server.client().register("john").status, 201);
        let mut secrets = secrets_of_other_dialects(&data, &server);
        let api_key = secrets.last().expect("a key").clone();
        secrets.push(server.client().log_in("john").member("acc_token"));
        // Without the capitals it would be the host of an origin, and the log names refused origins.
        secrets.push("Correct-Horse-Battery-Staple".to_owned());
        for secret in &secrets {
            misplace(&server, &api_key, secret);
        }
        let log = server.log();
        for known in ["/api/v1/users/{user_id}", "/health/live"] {
            assert!(log.contains(known), "the pattern {known} is in the log");
        }
        for secret in &secrets {
            assert!(!log.contains(secret.as_str()), "{secret} is in the log");
        }
    }
}

/// An API key, and refresh tokens of every kind, each used right and in the wrong place.
fn secrets_of_other_dialects(data: &TestData, server: &TestServer) -> Vec<String> {
    let output = command(data)
        .args([
            "api-key",
            "create",
            "--name",
            "backend",
            "--scope",
            "users:read,users:write,users:roles,auth",
        ])
        .output()
        .expect("run");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    let api_key = output.lines().last().expect("a key").to_owned();
    let client = server.client();
    let keyed = |body: &str| client.send("POST", "/api/v1/auth/login", &[("X-API-Key", &api_key)], body);
    let by_name = r#"{"username":"john","password":"P@ssw0rd!"}"#;
    let mut secrets = vec![keyed(by_name).member("token")];
    let by_email = r#"{"email":"john","password":"P@ssw0rd!"}"#;
    secrets.push(client.post("/api/v1/auth/login", by_email).member("refreshToken"));
    secrets.push(client.post("/api/v1/auth/login", by_name).member("refresh_token"));
    let cookie = client.post("/api/auth/login", by_name);
    let cookie = cookie.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    assert_eq!(client.send("POST", "/api/auth/refresh", &[("Cookie", cookie)], "").status, 200);
    secrets.push(cookie.split_once('=').expect("a value").1.to_owned());
    secrets.push(api_key);
    for (number, secret) in secrets.iter().enumerate() {
        // The first secret renews itself, so it is also an access token.
        assert_eq!(client.open(secret).status == 200, number == 0, "{secret}");
        let _ = client.post("/api/v1/auth/refresh", &format!(r#"{{"refreshToken":"{secret}"}}"#));
        assert_eq!(client.log_in(secret).status, 401, "typed as a name");
        assert_eq!(client.send("GET", "/api/v1/users/1", &[("X-API-Key", secret)], "").status / 100, 4);
    }
    secrets
}

/// All that the store holds, as text.
fn everything_stored(data: &TestData) -> String {
    data.database_url().map_or_else(|| all_files(data), all_rows)
}

fn all_rows(url: &str) -> String {
    let tables = "SELECT string_agg(relname, ' ') FROM pg_stat_user_tables";
    let tables = TestPostgres::shared().query(url, tables).expect("tables");
    assert!(tables.contains("accounts"), "{tables}");
    let rows = |table| format!("SELECT string_agg(t::text, ' ') FROM {table} t");
    tables.split(' ').map(|table| TestPostgres::shared().query(url, &rows(table)).expect("rows")).collect()
}

fn all_files(data: &TestData) -> String {
    let files = fs::read_dir(data.data_dir()).expect("the data directory");
    let files = files.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    files.map(|path| String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned()).collect()
}
