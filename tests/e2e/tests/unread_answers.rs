//! Clients that do not read their answers, or open many connections, do not affect other clients.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Response, TestData, TestServer};
use socket2::{Domain, Socket, Type};

const ON: (&str, &str) = ("AUTH_RATE_LIMIT", "on");
const HEALTH: &str = "/health/live";

/// Starts a server that may open this number of files.
fn start_with_files(files: u32, data: &TestData, settings: &[(&str, &str)]) -> TestServer {
    let limited = format!("ulimit -n {files}; exec \"$0\"");
    let server = TestServer::start_under(&["bash", "-c", &limited], data, settings);
    server.wait_until_ready();
    server
}

/// The path of the largest file of the service.
fn bundle(server: &TestServer) -> String {
    let page = server.client().get("/docs", None).body;
    let path = page.split('"').find(|text| text.contains("swagger-ui-bundle"));
    path.expect("a page with the bundle").to_owned()
}

/// Connects from an address of this machine, with a small receive buffer.
fn connect_from(server: &TestServer, source: &str) -> TcpStream {
    let address = server.base().strip_prefix("http://").expect("plain HTTP");
    let address: SocketAddr = address.parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("a receive buffer");
    let source: SocketAddr = format!("{source}:0").parse().expect("an address");
    socket.bind(&source.into()).expect("bound");
    socket.connect(&address.into()).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    socket.into()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Requests `path` on a connection that is kept, and reads the small answer, which comes in one piece.
fn ask(stream: &mut TcpStream, path: &str) -> io::Result<Response> {
    stream.write_all(get(path).as_bytes())?;
    let mut answer = [0; 4_096];
    let length = stream.read(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok(Response {
        status: status.expect("a status"),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: body.to_owned(),
    })
}

fn ask_from(server: &TestServer, source: &str, path: &str) -> io::Result<Response> {
    ask(&mut connect_from(server, source), path)
}

/// The time until the server resets a connection whose client does this after its requests, again and again.
fn time_until_reset(stream: &TcpStream, mut read: impl FnMut()) -> Duration {
    let started = Instant::now();
    while stream.take_error().expect("the state of the socket").is_none() {
        assert!(started.elapsed() < Duration::from_secs(30), "the connection is still open");
        thread::sleep(Duration::from_millis(100));
        read();
    }
    started.elapsed()
}

/// The resident memory of a server in KiB.
fn memory(server: &TestServer) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn client_that_does_not_read_is_closed() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let bundle = bundle(&server);
    let (one, many) = (get(&bundle), get(&bundle).repeat(200));
    thread::scope(|scope| {
        for (what, request, reads, is_half_closed) in [
            ("reads nothing", &one, false, false),
            ("reads a byte now and then", &one, true, false),
            ("closes its half", &one, false, true),
            ("requests more and more", &many, false, false),
        ] {
            let server = &server;
            scope.spawn(move || {
                let mut stream = connect_from(server, "127.0.0.1");
                stream.write_all(request.as_bytes()).expect("sent");
                if is_half_closed {
                    stream.shutdown(Shutdown::Write).expect("closed");
                }
                let closing = stream.try_clone().expect("the same stream");
                let time = time_until_reset(&closing, || {
                    if reads {
                        // The connection may end here too: the loop ends then.
                        let _ = stream.read(&mut [0; 1]);
                    }
                });
                assert!(time > Duration::from_secs(8), "a client that {what} has 10 s, not {time:?}");
            });
        }
    });
    assert_eq!(server.client().get(HEALTH, None).status, 200);
}

#[test]
fn slow_client_gets_the_whole_answer() {
    let data = TestData::on_sqlite();
    let settings = [("AUTH_HTTP__KEEP_ALIVE_SECONDS", "1")];
    let server = TestServer::start_with(&data, &settings);
    let bundle = bundle(&server);
    let expected = server.client().get(&bundle, None).body;
    let mut stream = connect_from(&server, "127.0.0.1");
    let request = format!("GET {bundle} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // About 200 KiB a second: slower than the server writes, and longer than the keep-alive.
    while (&mut stream).take(20 * 1024).read_to_end(&mut answer).expect("an answer") > 0 {
        thread::sleep(Duration::from_millis(100));
    }
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    assert!(answer[head + 4..] == *expected.as_bytes(), "{} bytes", answer.len() - head - 4);
}

#[test]
fn connections_of_one_address_are_limited() {
    let data = TestData::on_sqlite();
    let server = start_with_files(512, &data, &[ON]);
    let mut open: Vec<_> = (0..64).map(|_| connect_from(&server, "127.0.0.3")).collect();
    for stream in &mut open {
        assert_eq!(ask(stream, HEALTH).expect("an answer").status, 200);
    }
    for path in ["/", "/v1/protected/resource"] {
        let refused = ask_from(&server, "127.0.0.3", path).expect("an answer");
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.header("connection"), Some("close"));
    }
    let health = ask_from(&server, "127.0.0.3", HEALTH).expect("an answer");
    assert_eq!((health.status, health.header("connection")), (200, Some("close")));
    let other = ask_from(&server, "127.0.0.2", "/v1/protected/resource").expect("an answer");
    assert_eq!(other.status, 401);

    open.truncate(32);
    server.wait_for("served again", || {
        ask_from(&server, "127.0.0.3", "/v1/protected/resource").is_ok_and(|answer| answer.status == 401)
    });
}

#[test]
fn connections_of_a_trusted_proxy_are_not_limited_by_address() {
    let data = TestData::on_sqlite();
    let server = start_with_files(512, &data, &[ON, ("AUTH_TRUSTED_PROXIES", "127.0.0.3")]);
    let mut open: Vec<_> = (0..150).map(|_| connect_from(&server, "127.0.0.3")).collect();
    for stream in &mut open {
        assert_eq!(ask(stream, "/v1/protected/resource").expect("an answer").status, 401);
    }
}

#[test]
fn memory_of_unread_answers_is_bounded() {
    let data = TestData::on_sqlite();
    let server = TestServer::start(&data);
    let bundle = get(&bundle(&server));
    for (what, requests, connections) in [
        ("large answers", bundle.clone(), 300),
        ("large answers to requests sent ahead", bundle.repeat(1_000), 40),
        ("small answers to requests sent ahead", get(HEALTH).repeat(1_000), 40),
    ] {
        let before = memory(&server);
        let mut open: Vec<_> = (0..connections).map(|_| (connect_from(&server, "127.0.0.1"), 0)).collect();
        for (stream, _) in &open {
            stream.set_nonblocking(true).expect("set");
        }
        for _ in 0..30 {
            for (stream, sent) in &mut open {
                // The server takes only as much as it is about to process.
                *sent += stream.write(&requests.as_bytes()[*sent % requests.len()..]).unwrap_or(0);
            }
            thread::sleep(Duration::from_millis(100));
        }
        let growth = memory(&server).saturating_sub(before);
        assert!(growth < 64 * 1024, "{what}: {growth} KiB for {connections} connections");
    }
}

#[test]
fn others_are_served_during_an_attack_with_few_files() {
    let data = TestData::on_sqlite();
    let server = start_with_files(256, &data, &[ON]);
    let bundle = bundle(&server);
    let open: Vec<_> = (0..400)
        .map(|number| {
            let mut stream = connect_from(&server, &format!("127.0.0.{}", 10 + number % 20));
            // The server may have refused the connection by now.
            let _ = stream.write_all(get(&bundle).as_bytes());
            stream
        })
        .collect();
    for path in [HEALTH, "/health/ready", "/v1/protected/resource", HEALTH] {
        let status = ask_from(&server, "127.0.0.200", path).expect("an answer").status;
        assert_eq!(status, if path.starts_with("/v1") { 401 } else { 200 }, "{path}");
    }
    server.wait_for("healthy from the address of an attacker", || {
        ask_from(&server, "127.0.0.10", HEALTH).is_ok_and(|answer| answer.status == 200)
    });
    assert!(server.log().contains("connections refused: too many from one address"), "{}", server.log());
    drop(open);
}
