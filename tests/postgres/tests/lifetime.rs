//! A throw-away server never outlives the process that started it.
#![expect(clippy::unwrap_used, reason = "what surprises a test fails it")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use test_postgres::{DATABASE_URL, POSTGRES_BIN, TestPostgres};

/// The program of this crate, with a server of its own even if the tests were given one.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-postgres"));
    command.env_remove(DATABASE_URL);
    command
}

/// A process of its own with a throw-away server, which runs until its standard input is closed.
struct ServerProcess {
    process: Child,
    address: String,
    data: PathBuf,
}

impl ServerProcess {
    fn start() -> Self {
        let mut process = program()
            .args(["run", "sh", "-c", &format!("echo ${DATABASE_URL}; cat")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let data = TestPostgres::shared().query(url.trim(), "SHOW data_directory").unwrap();
        let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
        let owner = Self { process, address, data: data.into() };
        assert!(owner.server_answers() && owner.data.exists());
        owner
    }

    fn server_answers(&self) -> bool {
        TcpStream::connect(&self.address).is_ok()
    }

    fn assert_nothing_left(&self) {
        wait_for("the server to end", || !self.server_answers());
        assert_removed(self.data.parent().unwrap());
    }
}

fn assert_removed(folder: &Path) {
    wait_for("the data to be removed", || !folder.exists());
    wait_for("the last process to end", || {
        !processes()
            .any(|process| process.arguments.iter().any(|argument| Path::new(argument).starts_with(folder)))
    });
}

fn wait_for(event: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {event}");
        thread::sleep(Duration::from_millis(1));
    }
}

struct Process {
    parent: String,
    arguments: Vec<String>,
}

/// The processes of this machine, where the kernel shows them as files.
fn processes() -> impl Iterator<Item = Process> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|folder| {
        let status = fs::read_to_string(folder.path().join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned();
        let arguments = fs::read(folder.path().join("cmdline")).ok()?;
        let arguments =
            arguments.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
        Some(Process { parent, arguments: arguments.collect() })
    })
}

fn signal(signal: &str, process: &str) {
    assert!(
        Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status().unwrap().success()
    );
}

#[test]
fn server_ends_when_its_process_ends() {
    let mut owner = ServerProcess::start();

    drop(owner.process.stdin.take());

    assert!(owner.process.wait().unwrap().success());
    owner.assert_nothing_left();
}

#[test]
fn server_ends_when_its_process_is_killed() {
    let mut owner = ServerProcess::start();

    owner.process.kill().unwrap();

    assert!(!owner.process.wait().unwrap().success());
    owner.assert_nothing_left();
}

#[test]
fn server_ends_when_its_process_aborts() {
    let mut owner = ServerProcess::start();

    signal("ABRT", &owner.process.id().to_string());

    assert!(!owner.process.wait().unwrap().success());
    owner.assert_nothing_left();
}

#[test]
fn server_ends_when_a_process_group_is_terminated() {
    for kind in ["TERM", "KILL"] {
        let mut owner = ServerProcess::start();

        signal(kind, &format!("-{}", owner.process.id()));

        assert!(!owner.process.wait().unwrap().success());
        owner.assert_nothing_left();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn server_ends_when_its_process_is_killed_during_start() {
    for milliseconds in [0, 50, 200, 400] {
        let mut owner = program().args(["run", "cat"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut folder = PathBuf::new();
        wait_for("the shell that makes the server", || {
            let of_owner = processes().find(|process| process.parent == owner.id().to_string());
            folder = of_owner
                .and_then(|supervisor| supervisor.arguments.into_iter().nth(5))
                .unwrap_or_default()
                .into();
            folder.to_string_lossy().contains("auth-test-postgres")
        });
        thread::sleep(Duration::from_millis(milliseconds));

        owner.kill().unwrap();
        owner.wait().unwrap();

        assert_removed(&folder);
    }
}

#[test]
fn exit_status_of_the_command_is_returned() {
    assert_eq!(program().args(["run", "sh", "-c", "exit 7"]).status().unwrap().code(), Some(7));
}

#[test]
fn url_of_an_external_server_is_passed_on() {
    let url = TestPostgres::shared().url();

    let output = program().args(["run", "printenv", DATABASE_URL]).env(DATABASE_URL, &url).output().unwrap();

    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), url);
}

#[test]
fn find_fails_with_advice_when_postgresql_is_missing() {
    let output = program().arg("find").env(POSTGRES_BIN, "/nowhere").output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("apt-get install postgresql"));
}

#[test]
fn find_prints_the_installed_postgresql() {
    let output = program().arg("find").output().unwrap();

    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("a throw-away cluster from /"));
}
