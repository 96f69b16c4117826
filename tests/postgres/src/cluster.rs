//! A cluster, thrown away or durable, and the shell script that keeps it.

use std::{
    fmt, fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::{
    account::{Account, data_folder},
    psql, random,
};

/// How many ports to try. Another process can only take one in the moment between the choice and the server's start.
const ATTEMPTS: u32 = 5;

/// How much of the server's log a failure shows.
const LAST_LINES: usize = 20;

pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    lifetime: Lifetime,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

/// What becomes of a cluster when its process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    Temporary,
    Durable,
}

impl Cluster {
    pub(crate) fn start(binaries: PathBuf) -> Result<Self, String> {
        let account = account()?;
        let folder = data_folder(account.is_some()).join(format!("auth-test-postgres-{:016x}", random()));
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| cannot_be_made(&folder, &error))?;
        Self::keep(binaries, folder, Lifetime::Temporary, account)
    }

    /// A cluster in this folder, which is made where it is not there, and stays.
    pub(crate) fn durable(binaries: PathBuf, folder: &Path) -> Result<Self, String> {
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(folder)
            .map_err(|error| cannot_be_made(folder, &error))?;
        let folder = folder.canonicalize().map_err(|error| cannot_be_made(folder, &error))?;
        Self::keep(binaries, folder, Lifetime::Durable, account()?)
    }

    fn keep(
        binaries: PathBuf,
        folder: PathBuf,
        lifetime: Lifetime,
        account: Option<Account>,
    ) -> Result<Self, String> {
        if let Some(to) = account {
            chown(&folder, Some(to.user), Some(to.group)).map_err(|error| cannot_be_made(&folder, &error))?;
        }
        let supervisor = Supervisor::call(&binaries, &folder, lifetime, account)
            .map_err(|error| format!("sh does not run: {error}"))?;
        let mut cluster = Self { binaries, folder, lifetime, port: 0, supervisor: Mutex::new(supervisor) };
        cluster.order("create")?;
        for _ in 1..ATTEMPTS {
            cluster.port = free_port();
            if cluster.restart().is_ok() {
                return Ok(cluster);
            }
        }
        cluster.port = free_port();
        cluster.restart().map(|()| cluster)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    pub(crate) fn psql(&self) -> PathBuf {
        self.program("psql")
    }

    /// From version 15 on, copying the template's files is a choice, and by a third faster than its default here.
    pub(crate) fn create_database(&self, name: &str) -> Result<(), String> {
        let version = fs::read_to_string(self.folder.join("data/PG_VERSION")).unwrap_or_default();
        let strategy = if version.trim_end().parse().is_ok_and(|major: u32| major >= 15) {
            "STRATEGY file_copy"
        } else {
            ""
        };
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0 {strategy}");
        psql::run(&self.psql(), &self.url(), &sql).map(drop)
    }

    pub(crate) fn stop(&self) -> Result<(), String> {
        self.order("stop")
    }

    pub(crate) fn restart(&self) -> Result<(), String> {
        self.order("stop")?;
        self.order(&format!("start {}", self.port))
    }

    pub(crate) fn pause(&self) -> Result<(), String> {
        self.order("pause")
    }

    pub(crate) fn resume(&self) -> Result<(), String> {
        self.order("resume")
    }

    fn order(&self, order: &str) -> Result<(), String> {
        let answer = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).order(order);
        match answer {
            Ok(answer) if answer == "ok" => Ok(()),
            Ok(answer) => Err(format!(
                "{order:?} {answer} for the cluster in {}\n{}",
                self.folder.display(),
                self.log()
            )),
            Err(error) => Err(format!(
                "the supervisor of the cluster in {} is gone: {error}\n{}",
                self.folder.display(),
                self.log()
            )),
        }
    }

    /// The file of what the server and the supervisor have said.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("folder", &self.folder)
            .field("lifetime", &self.lifetime)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.supervisor.get_mut().unwrap_or_else(PoisonError::into_inner).dismiss();
        if self.lifetime == Lifetime::Temporary {
            // The supervisor, as another account, may empty the folder of a folder that is not its own, but not remove it.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The account to run the server as, where it cannot be this process's own.
fn account() -> Result<Option<Account>, &'static str> {
    if Account::is_root() {
        let account = Account::unprivileged();
        return account
            .map(Some)
            .ok_or("PostgreSQL refuses to be root, and /etc/passwd has no account for it");
    }
    Ok(None)
}

fn cannot_be_made(folder: &Path, error: &io::Error) -> String {
    format!("{} cannot be made: {error}", folder.display())
}

/// The shell that runs `cluster.sh`. It reads from a pipe whose only writing end is in this process. When this process
/// ends, by any signal or exit, the kernel closes the pipe and the supervisor removes everything. It has its own process
/// group, so that a signal to the process group of the tests does not reach it.
struct Supervisor {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    fn call(
        binaries: &Path,
        folder: &Path,
        lifetime: Lifetime,
        account: Option<Account>,
    ) -> io::Result<Self> {
        let lifetime = match lifetime {
            Lifetime::Temporary => "thrown-away",
            Lifetime::Durable => "durable",
        };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", include_str!("cluster.sh"), "test-postgres"])
            .args([binaries, folder])
            .arg(lifetime)
            .envs([("LC_ALL", "C"), ("TZ", "UTC")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        if let Some(account) = account {
            command.uid(account.user).gid(account.group);
        }
        let mut process = command.spawn()?;
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, answers: BufReader::new(answers) })
    }

    fn order(&mut self, order: &str) -> io::Result<String> {
        let orders = self.process.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(format!("{order}\n").as_bytes())?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }

    /// `wait` closes the pipe first, which makes the supervisor remove the cluster.
    fn dismiss(&mut self) {
        let _ = self.process.wait();
    }
}

/// A free port below the range that the kernel uses for outgoing connections. While the server is stopped, an outgoing
/// connection could otherwise get the server's port. A client that retries could then connect to itself.
fn free_port() -> u16 {
    loop {
        let port = 15_000 + u16::try_from(random() % 17_000).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
