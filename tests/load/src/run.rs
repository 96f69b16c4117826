//! A run: the measures one after another, each kept in a file as soon as it is taken.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use tokio::task::LocalSet;

use crate::bench::{Bench, folder, say};
use crate::machine;
use crate::measure::Measured;
use crate::measures;

/// What was measured at one time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedRun {
    /// The machine and what ran on it.
    pub machine: BTreeMap<String, String>,
    /// The command line that repeats it.
    pub command: String,
    /// How many pairs.
    pub rounds: usize,
    /// For how long each side, in seconds.
    pub seconds: f64,
    /// What came of it.
    pub measured: Vec<Measured>,
}

/// Takes these measures, keeps them, and gives them to `report`. One that fails does not keep the others from being taken.
///
/// # Errors
/// When one failed, after the others are taken.
pub async fn run(names: &[&str], bench: &Bench, report: impl Fn(&[Measured])) -> Result<()> {
    let machine = machine::describe();
    let format: Vec<String> = env::args().skip(2).collect();
    let command = format!("just bench {}", format.join(" ")).trim_end().to_owned();
    let mut failed = Vec::new();
    for (number, name) in names.iter().enumerate() {
        say(format_args!("{name} ({} of {})", number + 1, names.len()));
        match take(name, bench).await {
            Ok(measured) => {
                report(&measured);
                // What is recorded is slowed down by that.
                if bench.recorded {
                    continue;
                }
                let (machine, command) = (machine.clone(), command.clone());
                let seconds = bench.run.as_secs_f64();
                keep(name, &SavedRun { machine, command, rounds: bench.rounds, seconds, measured })?;
            }
            Err(fault) => {
                say(format_args!("  failed: {fault:#}"));
                failed.push(*name);
            }
        }
    }
    ensure!(failed.is_empty(), "not everything was measured: {} failed", failed.join(", "));
    Ok(())
}

/// Takes a measure as a task, so that a panic, which is how the servers of the tests fail, is one more failure.
async fn take(name: &str, bench: &Bench) -> Result<Vec<Measured>> {
    let (name, bench) = (name.to_owned(), bench.clone());
    let tasks = LocalSet::new();
    let measure = tasks.spawn_local(async move { measures::take(&name, &bench).await });
    tasks.await;
    measure.await?
}

fn keep(name: &str, kept: &SavedRun) -> Result<()> {
    fs::write(file(name)?, serde_json::to_vec_pretty(kept)?).context("cannot keep what was measured")
}

/// What was measured last, in the order of the measures.
///
/// # Errors
/// When something has not been measured.
pub fn last() -> Result<Vec<SavedRun>> {
    measures::ALL.iter().map(|name| read(name)).collect()
}

fn read(name: &str) -> Result<SavedRun> {
    let content = fs::read(file(name)?).with_context(|| format!("{name} has not been measured"))?;
    serde_json::from_slice(&content).with_context(|| format!("the saved run of {name} is not readable"))
}

fn file(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{name}.json")))
}
