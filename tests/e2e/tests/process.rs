//! The process and its surroundings: signals, its output, other processes.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::{Client, TestData, TestServer, command};

#[test]
fn hangup_that_is_ignored_at_the_start_stops_nothing() {
    let data = TestData::on_sqlite();
    let server = TestServer::start_under(&["env", "--ignore-signal=HUP"], &data, &[]);
    server.wait_until_ready();
    server.signal("HUP");
    sleep(Duration::from_millis(500));
    assert_eq!(server.client().get("/health/live", None).status, 200);
    assert!(!server.log().contains("stopping"));
}

/// A server that is killed when it is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the server starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("an address")
        .to_string()
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not {what} in time");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn output_that_cannot_be_written_does_not_stop_the_start() {
    let data = TestData::on_sqlite();
    let address = free_address();
    let (log, full) =
        (data.path().join("log"), File::options().write(true).open("/dev/full").expect("a device"));
    let mut command = command(&data);
    let command =
        command.env("AUTH_LISTEN", &address).stdout(full).stderr(File::create(&log).expect("a log"));
    let _server = Process::start(command);
    let client = Client::new(&format!("http://{address}"));
    wait_for("ready", || client.try_get("/health/ready", None).is_ok_and(|response| response.status == 200));
    let log = fs::read_to_string(&log).expect("a log");
    assert!(log.contains("the greeting cannot be written to standard output"), "{log}");
}

#[test]
fn unavailable_store_is_in_the_greeting_and_logged_once() {
    let data = TestData::at(format!("postgres://auth@{}/auth", free_address()));
    let (log, greeting) = (data.path().join("log"), data.path().join("greeting"));
    let mut command = command(&data);
    let command = command
        .env("AUTH_LISTEN", "127.0.0.1:0")
        .stdout(File::create(&greeting).expect("a file"))
        .stderr(File::create(&log).expect("a log"));
    let _server = Process::start(command);
    let read = |path| fs::read_to_string(path).expect("a file");
    wait_for("greeted", || read(&greeting).contains("Ctrl-C"));
    let greeted = read(&greeting);
    assert!(greeted.contains("/auth, unavailable: requests that need it are answered 503"), "{greeted}");
    sleep(Duration::from_millis(2_500));
    assert_eq!(read(&log).matches("the store is unavailable").count(), 1, "{}", read(&log));
}

#[test]
fn second_server_on_one_sqlite_file_is_reported() {
    const WARNING: &str = "another server uses the same SQLite file";
    let data = TestData::on_sqlite();
    let first = TestServer::start(&data);
    let second = TestServer::start(&data);
    assert!(
        !first.log().contains(WARNING) && !first.log().contains("would not be noticed"),
        "{}",
        first.log()
    );
    assert!(second.log().contains(WARNING), "{}", second.log());
    first.kill();
    let third = TestServer::start(&data);
    assert!(!third.log().contains(WARNING), "the first one has released the file");
}
