//! What every measure is given: how often, for how long, and where.

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use e2e::TestData;

use crate::cluster;
use crate::measure::Round;
use crate::recording::Recording;

/// A store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Embedded, a file on the disk.
    Sqlite,
    /// A server of its own on this machine.
    Postgres,
}

impl Store {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// A word for ids: `sqlite`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Store {
    /// A place for the data of servers, on this store, which keeps what it acknowledges as in production.
    ///
    /// # Errors
    /// When there is no folder for it, or PostgreSQL does not start.
    pub fn test_data(self) -> Result<TestData> {
        Ok(match self {
            Self::Sqlite => TestData::on_sqlite_in(&folder()?),
            Self::Postgres => TestData::at(cluster::numbered()?),
        })
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Bench {
    /// How many pairs.
    pub rounds: usize,
    /// How long each side of a pair is measured.
    pub run: Duration,
    /// How long each side is under the same load before that, without being measured.
    pub warm_up: Duration,
    /// How many refreshes the measure `growth` makes.
    pub refreshes: u64,
    /// Whether to record where the server's time goes: `<id>.perf` in the folder of the benchmark.
    pub recorded: bool,
}

impl Bench {
    /// Has `perf` record where this process spends its time, until what is given back is dropped, if that is asked for.
    ///
    /// # Errors
    /// When `perf` is missing.
    pub fn record(&self, id: &str, process: u32) -> Result<Option<Recording>> {
        self.recorded.then(|| Recording::begin(&folder()?.join(format!("{id}.perf")), process)).transpose()
    }

    /// Measures pairs: the limit, ours, the limit, ours and so on.
    ///
    /// # Errors
    /// The first of either.
    pub async fn pairs(
        &self,
        what: &str,
        mut limit: impl AsyncFnMut() -> Result<f64>,
        mut ours: impl AsyncFnMut() -> Result<Round>,
    ) -> Result<Vec<Round>> {
        let mut rounds = Vec::with_capacity(self.rounds);
        for number in 1..=self.rounds {
            let limit = limit().await?;
            let round = Round { limit: Some(limit), ..ours().await? };
            let ratio = round.ratio().unwrap_or_default();
            say(format_args!("  {what} {number}/{}: {limit:.2} {:.2} = {ratio:.3}", self.rounds, round.ours));
            rounds.push(round);
        }
        Ok(rounds)
    }
}

/// The folder of the benchmark, `bench` in Cargo's target folder, which is on a disk: databases, programs and results.
///
/// # Errors
/// When it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let folder = target_folder()?.join("bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Cargo's target folder.
///
/// # Errors
/// If this program is not in one.
pub fn target_folder() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let profile = own.ancestors().find(|folder| folder.ends_with("release") || folder.ends_with("debug"));
    Ok(profile.and_then(|profile| profile.parent()).context("no target folder")?.to_owned())
}

/// Says how far it is.
pub fn say(what: impl fmt::Display) {
    eprintln!("{what}");
}
