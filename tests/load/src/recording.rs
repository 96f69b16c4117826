//! Where a process spends its time, by `perf`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// How often a second it is looked where the process is: not a multiple of what else happens a hundred times a second.
const FREQUENCY: &str = "499";

/// A recording; its file is whole once this is dropped.
#[derive(Debug)]
pub struct Recording(Child);

impl Recording {
    /// Begins.
    ///
    /// # Errors
    /// When `perf` is missing.
    pub fn begin(file: &Path, process: u32) -> Result<Self> {
        let mut perf = Command::new("perf");
        perf.args(["record", "--quiet", "--event", "cpu-clock", "--freq", FREQUENCY])
            // The release binary keeps no frame pointers; its tables for unwinding are enough.
            .args(["--call-graph", "dwarf,16384", "--pid", &process.to_string(), "--output"])
            .arg(file)
            .stdin(Stdio::null());
        perf.spawn().map(Self).context("perf does not run (Debian: linux-perf)")
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
