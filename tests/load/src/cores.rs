//! Which cores a process runs on, by `taskset` of util-linux.

use std::process::{self, Command};
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, bail};
use e2e::TestData;

use crate::cluster;

const ATTEMPTS: usize = 10;

/// Pins this program to the last core until it is dropped. The first core is left to the measured server: start it with
/// [`server`](Self::server). On a machine with one core nothing is pinned.
#[derive(Debug)]
pub struct CorePinning {
    cores: usize,
    /// The id of the process of PostgreSQL that was moved.
    store: Option<String>,
}

impl CorePinning {
    /// Leaves the first core.
    ///
    /// # Errors
    /// When `taskset` is missing or fails.
    pub fn begin() -> Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        if cores > 1 {
            stay_on(&format!("{}", cores - 1), &process::id().to_string())?;
        }
        Ok(Self { cores, store: None })
    }

    /// The format before those of a server's command that keep it on the first core.
    #[must_use]
    pub fn server(&self) -> &'static [&'static str] {
        if self.cores > 1 { &["taskset", "-c", "0"] } else { &[] }
    }

    /// Keeps the PostgreSQL of this data, if it is on one, on the first core too: connections from now on.
    ///
    /// # Errors
    /// When it does not say who it is, or may not be moved.
    pub fn keep_store(&mut self, data: &TestData) -> Result<()> {
        if let Some(url) = data.database_url().filter(|_| self.cores > 1) {
            let file = cluster::run(url, "SELECT pg_read_file('postmaster.pid')")?;
            let process = file.lines().next().context("the id of a process")?;
            stay_on("0", process)?;
            self.store = Some(process.to_owned());
        }
        Ok(())
    }

    /// What this is, in format for a reader.
    #[must_use]
    pub fn described(&self) -> &'static str {
        if self.cores > 1 {
            "The server, with PostgreSQL where that is the store, has core 0; the client has another. So has the limit."
        } else {
            "TestServer and client share the one core."
        }
    }
}

impl Drop for CorePinning {
    fn drop(&mut self) {
        let all = format!("0-{}", self.cores - 1);
        for process in [Some(process::id().to_string()), self.store.take()].into_iter().flatten() {
            let _ = stay_on(&all, &process);
        }
    }
}

/// Keeps every thread of a process, and what it starts from now on, on these cores. A thread may end while `taskset` goes
/// from one to the next, and then it stops there: so it is asked again.
fn stay_on(cores: &str, process: &str) -> Result<()> {
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let mut command = Command::new("taskset");
        let output = command.args(["-a", "-p", "-c", cores, process]).output();
        let output = output.context("taskset (of util-linux) does not run")?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    bail!("cores {cores}: {said}")
}
