//! Hostile requests: none is answered with a 5xx status, and none affects the next request.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::{TestData, TestServer, connect, send_raw};

const JSON: &str = "Content-Type: application/json\r\n";

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn hostile_bodies_and_headers_are_answered_without_5xx() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let long = "a".repeat(5_000);
    let deep = format!("{{\"email\":{}", "[".repeat(8_000));
    let many_headers = (0..90).fold(String::new(), |mut headers, number| {
        write!(headers, "X-Header-{number}: 1\r\n").expect("written");
        headers
    });
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("no content type", post("/v1/auth/login", "", b"{}"), 415),
        (
            "a form",
            post("/v1/auth/login", "Content-Type: application/x-www-form-urlencoded\r\n", b"a=b"),
            415,
        ),
        (
            "a compressed body",
            post("/v1/auth/login", &format!("{JSON}Content-Encoding: gzip\r\n"), b"\x1f\x8b"),
            415,
        ),
        ("two content types", post("/v1/auth/login", &format!("{JSON}{JSON}"), b"{}"), 400),
        (
            "two API keys",
            post("/v1/auth/login", &format!("{JSON}X-API-Key: a\r\nX-API-Key: b\r\n"), b"{}"),
            400,
        ),
        (
            "two authorizations",
            post("/v1/auth/login", &format!("{JSON}Authorization: a\r\nAuthorization: b\r\n"), b"{}"),
            400,
        ),
        ("invalid UTF-8", post("/v1/auth/login", JSON, b"{\"email\":\"\xff\",\"password\":\"x\"}"), 400),
        ("a lone surrogate", post("/v1/auth/login", JSON, br#"{"email":"\ud800","password":"x"}"#), 400),
        (
            "a number beyond all numbers",
            post("/v1/auth/login", JSON, br#"{"email":1e999,"password":"x"}"#),
            400,
        ),
        ("a deep body", post("/v1/auth/login", JSON, deep.as_bytes()), 400),
        ("a NUL in a name", post("/v1/auth/login", JSON, br#"{"email":"a\u0000","password":"x"}"#), 401),
        (
            "an over-long password",
            post("/v1/auth/login", JSON, format!(r#"{{"email":"a","password":"{long}"}}"#).as_bytes()),
            401,
        ),
        (
            "an over-long token",
            post("/v1/auth/refresh", JSON, format!(r#"{{"ref_token":"{long}"}}"#).as_bytes()),
            401,
        ),
        ("many headers", post("/v1/auth/login", &format!("{JSON}{many_headers}"), b"{}"), 400),
        (
            "too many headers",
            post("/v1/auth/login", &format!("{JSON}{many_headers}{many_headers}"), b"{}"),
            431,
        ),
        ("an over-large body", post("/v1/auth/login", JSON, &vec![b' '; 20_000]), 413),
        (
            "a negative length",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_vec(),
            400,
        ),
        (
            "two lengths",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
                .to_vec(),
            400,
        ),
        ("no HTTP", b"\x16\x03\x01\x02\x00".to_vec(), 400),
    ];
    for (what, bytes, status) in cases {
        let response = send_raw(server.base(), &bytes).unwrap_or_else(|| panic!("no answer to {what}"));
        assert_eq!(response.status, status, "{what}: {response:?}");
    }
    assert_eq!(server.client().get("/health/ready", None).status, 200);
}

#[test]
fn request_with_an_invalid_host_is_answered_with_400() {
    const COOKIE: &str = r#"{"message":"Bad request."}"#;
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let get = |target: &str, head: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n{head}\r\n");
        let response = send_raw(server.base(), request.as_bytes()).expect("an answer");
        (response.status, response.body)
    };
    for host in [
        "a b",
        "user@a",
        "a/b",
        "a:b",
        "a:80:80",
        "a:65536",
        "[::1",
        "[::1%25eth0]",
        "b\u{fc}cher.example",
        "",
    ] {
        let header = format!("Host: {host}\r\n");
        assert_eq!(get("/api/user", &header), (400, COOKIE.to_owned()), "{host}");
        let (status, body) = get("/health/live", &header);
        assert_eq!(status, 400, "{host}");
        assert!(body.starts_with(r#"{"type":"about:blank","title":"Bad Request","status":400"#), "{body}");
    }
    for target in ["http://u@a/api/user", "http://a:99999/api/user", "ftp://a/api/user"] {
        assert_eq!(get(target, "Host: a\r\n"), (400, COOKIE.to_owned()), "{target}");
    }
    for head in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n"] {
        assert_eq!(get("/health/live", head).0, 400, "{head}");
    }
}

#[test]
fn request_with_a_valid_host_is_served() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for host in
        ["a", "a:", "A:8080", "[::1]", "[::1]:80", "[v1.a]", "127.0.0.1:1", "xn--bcher-kva.example", "a%20b"]
    {
        let request = format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let response = send_raw(server.base(), request.as_bytes()).expect("an answer");
        assert_eq!(response.status, 200, "{host}");
    }
    for request in [
        "GET http://other.example/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /health/live HTTP/1.0\r\n\r\n",
        "GET /health/live HTTP/1.0\r\nHost: a\r\n\r\n",
    ] {
        let response = send_raw(server.base(), request.as_bytes()).expect("an answer");
        assert_eq!(response.status, 200, "{request}");
    }
}

#[test]
fn over_long_bearer_token_is_invalid() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for length in [4_096, 4_097, 8_000, 100_000] {
        let response = server.client().open(&"a".repeat(length));
        response.assert(401, r#"{"error":"Invalid or missing token."}"#);
    }
}

#[test]
fn chunked_body_is_bounded_like_any_other() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let mut stream = connect(server.base());
    write!(stream, "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n")
        .expect("sent");
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let mut response = String::new();
    for _ in 0..5 {
        // The server may have answered and closed by now.
        let _ = stream.write_all(chunk.as_bytes());
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    stream.read_to_string(&mut response).expect("answered");
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
    assert!(response.ends_with(r#"{"error":"Payload too large."}"#), "{response}");
}

#[test]
fn stalled_head_is_answered_with_408() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let mut stream = connect(server.base());
    let started = Instant::now();
    stream.write_all(b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\n").expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("closed within 30 seconds");
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(started.elapsed() < Duration::from_secs(9), "5 seconds are the limit: {:?}", started.elapsed());
}

#[test]
fn stalled_body_is_answered_with_408() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let mut stream = connect(server.base());
    write!(
        stream,
        "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{JSON}Content-Length: 100\r\n\r\n{{"
    )
    .expect("sent");
    let started = Instant::now();
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("answered within 30 seconds");
    assert!(started.elapsed() < Duration::from_secs(14), "10 seconds are the limit: {:?}", started.elapsed());
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(response.ends_with(r#"{"error":"Request timeout."}"#), "{response}");
}

#[test]
fn upgrade_request_is_answered_and_its_connection_closed() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for protocol in ["websocket", "h2c"] {
        let started = Instant::now();
        let request = format!(
            "GET /v1/protected/resource HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
        );
        let response = send_raw(server.base(), request.as_bytes()).expect("answered");
        assert_eq!(response.status, 401, "{protocol}");
        assert_eq!(response.header("connection"), Some("close"), "{protocol}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn head_is_get_without_the_body() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    for (path, status) in [("/health/live", 200), ("/v1/protected/resource", 401)] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let response = send_raw(server.base(), request.as_bytes()).expect("answered");
        assert_eq!((response.status, response.body.as_str()), (status, ""), "{path}");
    }
}

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

/// Asks on a connection that is kept, and reads the answer, which comes in one piece.
fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(LIVE)?;
    let mut response = [0; 4_096];
    let length = stream.read(&mut response)?;
    let response = String::from_utf8_lossy(&response[..length]);
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    Ok(())
}

#[test]
fn trickling_head_does_not_extend_the_keep_alive() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_HTTP__KEEP_ALIVE_SECONDS", "2")]);
    for (what, pieces) in
        [("nothing", ""), ("half a head", "G"), ("a head in pieces", "GET /health/live HTTP/1.1")]
    {
        let mut stream = connect(server.base());
        ask(&mut stream).expect("answered");
        let started = Instant::now();
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let mut pieces = pieces.bytes();
        let mut buffer = [0; 64];
        loop {
            if let Some(piece) = pieces.next() {
                let _ = stream.write_all(&[piece]);
            }
            match stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(length) if length > 0 => panic!("an answer to {what}"),
                _closed => break,
            }
            assert!(started.elapsed() < Duration::from_secs(4), "{what} kept the connection");
        }
        assert!(started.elapsed() > Duration::from_millis(1_900), "{what}: {:?}", started.elapsed());
    }
}

#[test]
fn pauses_shorter_than_the_keep_alive_keep_the_connection() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_HTTP__KEEP_ALIVE_SECONDS", "2")]);
    let mut stream = connect(server.base());
    for _ in 0..5 {
        ask(&mut stream).expect("answered");
        sleep(Duration::from_millis(1_200));
    }
}

#[test]
fn request_longer_than_the_keep_alive_is_answered() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_HTTP__KEEP_ALIVE_SECONDS", "1")]);
    let mut stream = connect(server.base());
    ask(&mut stream).expect("answered");
    write!(stream, "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: 2\r\n\r\n{{")
        .expect("sent");
    sleep(Duration::from_secs(3));
    stream.write_all(b"}").expect("sent");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("answered");
    assert_ne!(&head, b"HTTP/1.1 408");
}
