//! What a process has used, as Linux shows it.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Linux counts a process's time in hundredths of a second, whatever the kernel was built with (proc(5), `CLK_TCK`).
const TICKS_PER_SECOND: u32 = 100;

/// A process.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

impl Process {
    /// The process of this id.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// This one.
    #[must_use]
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// The time that its threads have had, of programs and kernel together.
    ///
    /// # Errors
    /// When it is gone, or this is not Linux.
    pub fn cpu_time(self) -> Result<Duration> {
        let line = self.read("stat")?;
        let (_, fields) = line.rsplit_once(')').context("a line of stat")?;
        let ticks: u32 =
            fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Ok(Duration::from_secs(ticks.into()) / TICKS_PER_SECOND)
    }

    /// Its resident set, in KiB.
    ///
    /// # Errors
    /// As above.
    pub fn resident_kib(self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The greatest that its resident set has been, in KiB.
    ///
    /// # Errors
    /// As above.
    pub fn peak_resident_kib(self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// How many of its threads have a name that begins so.
    ///
    /// # Errors
    /// As above.
    pub fn threads(self, name: &str) -> Result<usize> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0))?;
        let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        Ok(names.filter(|found| found.starts_with(name)).count())
    }

    fn status(self, member: &str) -> Result<u64> {
        let status = self.read("status")?;
        let size = status.lines().find_map(|line| line.strip_prefix(member)).context("a member of status")?;
        size.trim().trim_end_matches(" kB").parse().context("a number of KiB")
    }

    fn read(self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path)
            .with_context(|| format!("cannot read {path}: is it gone, or is this not Linux?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_resident_set_is_at_least_the_current_one() {
        let own = Process::own();
        let now = own.resident_kib().expect("a size");
        assert!(now > 0 && own.peak_resident_kib().expect("a size") >= now);
    }

    #[test]
    fn cpu_time_increases() {
        let before = Process::own().cpu_time().expect("a time");
        while Process::own().cpu_time().expect("a time") == before {}
    }
}
