//! `just bench`.

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use load::bench::{Bench, say};
use load::measures;

/// Measures the service beside its limits, in interleaved pairs.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything unless named.
    measures: Vec<String>,
    /// How many pairs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many seconds each side of a pair is measured.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { measures, rounds, seconds } = Arguments::parse();
    let run = Duration::try_from_secs_f64(seconds)?;
    let bench = Bench { rounds, run, warm_up: run / 5 };
    let named: Vec<_> = measures.iter().map(String::as_str).collect();
    for name in if named.is_empty() { &measures::ALL[..] } else { &named } {
        say(name);
        for measured in measures::take(name, &bench).await? {
            say(format_args!("  {}: {:?}", measured.name, measured.ratio()));
        }
    }
    Ok(())
}
