//! `just bench`.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use load::bench::Bench;
use load::limits::argon2::Implementation;
use load::limits::bearer;
use load::measure::Measured;
use load::{measures, report};

/// Compares the service with its limits, in interleaved pairs.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, print the ratios and keep them for the report.
    Run(Run),
    /// Write the page and its pictures from what was measured last.
    Report,
    /// Be a limit.
    #[command(subcommand, hide = true)]
    Limit(Limit),
}

#[derive(Debug, Args)]
struct Run {
    /// What to measure; everything unless named. `refresh` is both measures of refreshes.
    measures: Vec<String>,
    /// How many pairs.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How many seconds each side of a pair is measured, after a fifth of that as a warm-up.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How many refreshes the measure `growth` makes.
    #[arg(long, default_value_t = 1_000_000)]
    refreshes: u64,
    /// Record where the server's time goes meanwhile, with perf: for flame graphs, not for figures.
    #[arg(long, conflicts_with = "write")]
    record: bool,
    /// Then write the page and its pictures: only of everything, and of five pairs or more.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Subcommand)]
enum Limit {
    /// A bare server that verifies the signature of an access token.
    Bearer { key: String, body: String },
    /// Argon2id in a bare loop: says hashes a second.
    Hash { implementation: Implementation, threads: usize, seconds: f64 },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(Run { measures, rounds, seconds, refreshes, record, write }) => {
            let run = Duration::try_from_secs_f64(seconds)?;
            let bench = Bench { rounds: rounds.into(), run, warm_up: run / 5, refreshes, recorded: record };
            let mut names = Vec::new();
            for name in &measures {
                names.extend(measures::named(name)?);
            }
            let names = if names.is_empty() { &measures::ALL[..] } else { &names };
            let system = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            system.block_on(load::run::run(names, &bench, |measured: &[Measured]| {
                print!("{}", report::table(measured));
            }))?;
            if write { report::write() } else { Ok(()) }
        }
        Command::Report => report::write(),
        Command::Limit(Limit::Bearer { key, body }) => bearer::serve(&key, body),
        Command::Limit(Limit::Hash { implementation, threads, seconds }) => {
            let per_second = implementation.per_second(threads, Duration::try_from_secs_f64(seconds)?)?;
            println!("{per_second}");
            Ok(())
        }
    }
}
