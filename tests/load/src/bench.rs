//! What every measure is given: how often, for how long, and where.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use anyhow::Result;
use e2e::World;

use crate::measure::Round;

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
    #[must_use]
    pub fn world(self) -> World {
        match self {
            Self::Sqlite => World::on_sqlite(),
            Self::Postgres => World::on_postgres(),
        }
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
}

impl Bench {
    /// Measures pairs: the limit, ours, the limit, ours and so on.
    ///
    /// # Errors
    /// The first of either.
    pub async fn pairs<L, O>(
        &self,
        what: &str,
        mut limit: impl FnMut() -> L,
        mut ours: impl FnMut() -> O,
    ) -> Result<Vec<Round>>
    where
        L: Future<Output = Result<f64>>,
        O: Future<Output = Result<Round>>,
    {
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

/// Says how far it is.
pub fn say(what: impl fmt::Display) {
    eprintln!("{what}");
}
