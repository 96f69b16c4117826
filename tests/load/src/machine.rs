//! The machine that was measured on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// What a reader has to know of the machine and of what ran on it, by name.
#[must_use]
pub fn describe() -> BTreeMap<String, String> {
    let cores = available_parallelism().map_or(1, usize::from);
    [
        ("processor", member("/proc/cpuinfo", "model name")),
        ("cores", cores.to_string()),
        ("memory", member("/proc/meminfo", "MemTotal")),
        ("kernel", said("uname", &["-sr"])),
        ("rustc", said("rustc", &["--version"])),
        ("PostgreSQL", postgres()),
        ("C compiler", said("cc", &["--version"])),
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("commit", commit()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn member(file: &str, name: &str) -> String {
    let content = fs::read_to_string(file).unwrap_or_default();
    let line = content.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The first line that a program says; empty if it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    output.lines().next().unwrap_or_default().to_owned()
}

fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let is_clean =
        said("git", &["status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.lock"])
            .is_empty();
    if is_clean { commit } else { format!("{commit} with changes") }
}

fn postgres() -> String {
    test_postgres::find().map_or_else(
        |_| String::new(),
        |found| {
            let folder = found.rsplit(' ').next().unwrap_or_default();
            let version = said(&format!("{folder}/postgres"), &["--version"]);
            if version.is_empty() { found } else { version }
        },
    )
}
