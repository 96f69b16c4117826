//! A server process.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Client, TestData};

/// How long to wait for what ought to happen soon.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// What every server's tokens name as their issuer, whatever port it was given.
pub const PUBLIC_URL: &str = "http://localhost";

/// A server, which is killed when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    child: Child,
    base: String,
    log: PathBuf,
}

impl TestServer {
    /// Starts a server and waits until it is ready.
    #[must_use]
    pub fn start(data: &TestData) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts a server with these settings in its environment and waits until it is ready.
    #[must_use]
    pub fn start_with(data: &TestData, settings: &[(&str, &str)]) -> Self {
        let server = Self::start_unready(data, settings);
        server.wait_until_ready();
        server
    }

    /// Starts a server and waits until it listens.
    #[must_use]
    pub fn start_unready(data: &TestData, settings: &[(&str, &str)]) -> Self {
        Self::start_under(&[], data, settings)
    }

    /// Starts a server by a command line that these words begin, such as `taskset -c 0`, and waits until it listens.
    #[must_use]
    pub fn start_under(before: &[&str], data: &TestData, settings: &[(&str, &str)]) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let log = data.path().join(format!("log-{number}"));
        let mut child = command_under(before, data)
            .env("AUTH_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let greeting = lines.find_map(|line| line.split_whitespace().find_map(own_address));
        std::thread::spawn(move || lines.for_each(drop));
        match greeting {
            Some(base) => Self { child, base, log },
            None => panic!("the server says nowhere where it is: {}", std::fs::read_to_string(&log).unwrap()),
        }
    }

    /// Where the server is, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Creates a client of this server.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// The id of the server's process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server says that it is ready.
    pub fn wait_until_ready(&self) {
        let client = self.client();
        self.wait_for("ready", || {
            client.try_get("/health/ready", None).is_ok_and(|response| response.status == 200)
        });
    }

    /// Waits until `condition` holds.
    pub fn wait_for(&self, what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !condition() {
            assert!(Instant::now() < deadline, "not {what} in time: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends the server a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.process_id().to_string()).status();
        assert!(sent.expect("kill").success());
    }

    /// Kills the server as a power failure would: it has no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Waits until the server has ended by itself.
    #[must_use]
    pub fn wait_for_end(mut self) -> ExitStatus {
        self.child.wait().expect("ended")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, with the settings of `data` and none of this process's own.
#[must_use]
pub fn command(data: &TestData) -> Command {
    command_under(&[], data)
}

fn command_under(before: &[&str], data: &TestData) -> Command {
    let mut words = before.iter().map(OsStr::new).chain([binary().as_os_str()]);
    let mut command = Command::new(words.next().expect("the binary at least"));
    command.args(words);
    command.current_dir(data.path());
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("AUTH_")) {
        command.env_remove(name);
    }
    command.env("AUTH_DATA_DIR", data.data_dir());
    command.env("AUTH_PUBLIC_URL", PUBLIC_URL);
    // All tests come from one address. Those of the limits turn them on.
    command.env("AUTH_RATE_LIMIT", "off");
    if let Some(url) = data.database_url() {
        command.env("AUTH_DATABASE_URL", url);
    }
    command
}

/// Runs a command of the binary, with the settings of `data` and this input, and gives what it says.
#[expect(clippy::must_use_candidate, reason = "what a command says is rarely of interest")]
pub fn run(data: &TestData, arguments: &[&str], input: &str) -> String {
    let mut command = command(data);
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("input").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The binary, built with the profile that these tests were built with.
fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "auth-http"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success(), "the binary does not build");
        let tests = env::current_exe().expect("the path of the tests");
        let folder = tests.parent().expect("target/<profile>/deps, or target/<profile> for a program");
        let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
        profile.expect("target/<profile>").join("auth-http")
    })
}

fn own_address(word: &str) -> Option<String> {
    word.starts_with("http://").then(|| word.trim_end_matches('/').to_owned())
}
