//! Which cores a process runs on, by `taskset` of util-linux.

use std::process::{self, Command, Stdio};
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, anyhow, ensure};
use e2e::World;
use test_postgres::TestPostgres;

/// While this is held, this program runs on the last core only, so that the first is left to what it measures: start
/// that with [`server`](Self::server) before its own words. On a machine with one core nothing is parted.
#[derive(Debug)]
pub struct Parted {
    cores: usize,
}

impl Parted {
    /// Leaves the first core.
    ///
    /// # Errors
    /// When `taskset` is missing or fails.
    pub fn begin() -> Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        if cores > 1 {
            stay_on(&format!("{}", cores - 1), &process::id().to_string())?;
        }
        Ok(Self { cores })
    }

    /// The words before those of a server's command that keep it on the first core.
    #[must_use]
    pub fn server(&self) -> &'static [&'static str] {
        if self.cores > 1 { &["taskset", "-c", "0"] } else { &[] }
    }

    /// Keeps the PostgreSQL of this world, if it is on one, on the first core too: connections from now on.
    ///
    /// # Errors
    /// When it does not say who it is, or may not be moved.
    pub fn keep_store(&self, world: &World) -> Result<()> {
        if let Some(url) = world.database_url().filter(|_| self.cores > 1) {
            let file = TestPostgres::shared().query(url, "SELECT pg_read_file('postmaster.pid')");
            let file = file.map_err(|fault| anyhow!(fault))?;
            stay_on("0", file.lines().next().context("the id of a process")?)?;
        }
        Ok(())
    }

    /// What this is, in words for a reader.
    #[must_use]
    pub fn described(&self) -> &'static str {
        if self.cores > 1 {
            "The server, with PostgreSQL where that is the store, has core 0; the client has another. So has the limit."
        } else {
            "Server and client share the one core."
        }
    }
}

impl Drop for Parted {
    fn drop(&mut self) {
        if self.cores > 1 {
            let _ = stay_on(&format!("0-{}", self.cores - 1), &process::id().to_string());
        }
    }
}

/// Keeps every thread of a process, and what it starts from now on, on these cores.
fn stay_on(cores: &str, process: &str) -> Result<()> {
    let mut command = Command::new("taskset");
    command.args(["-a", "-p", "-c", cores, process]).stdout(Stdio::null());
    let status = command.status().context("taskset (of util-linux) does not run")?;
    ensure!(status.success(), "taskset refuses cores {cores}");
    Ok(())
}
