//! Where a process spends its time, by `perf`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// How often a second it is looked where the process is: not a multiple of what else happens a hundred times a second.
const FREQUENCY: &str = "499";

const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A recording; its file is whole once this is dropped.
#[derive(Debug)]
pub struct Recording(Child);

impl Recording {
    /// Begins, and waits until something is written.
    ///
    /// # Errors
    /// When `perf` is missing, or writes nothing.
    pub fn begin(file: &Path, process: u32) -> Result<Self> {
        let _ = fs::remove_file(file);
        let mut perf = Command::new("perf");
        perf.args(["record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY])
            // The release binary keeps no frame pointers; its tables for unwinding are enough.
            .args(["--call-graph", "dwarf,16384", "--pid", &process.to_string(), "--output"])
            .arg(file)
            .stdin(Stdio::null());
        let recording = perf.spawn().map(Self).context("perf does not run (Debian: linux-perf)")?;
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while fs::metadata(file).map_or(0, |file| file.len()) == 0 {
            ensure!(Instant::now() < deadline, "perf writes nothing: may it record?");
            sleep(WAIT_TIMEOUT / 100);
        }
        Ok(recording)
    }
}

impl Drop for Recording {
    /// `perf` writes the end of its file when it is interrupted.
    fn drop(&mut self) {
        let interrupted = Command::new("kill").arg("-INT").arg(self.0.id().to_string()).status();
        if !interrupted.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}
