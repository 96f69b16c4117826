//! The measures, a file each.

pub mod bearer;
pub mod first_use;
pub mod flood;
pub mod growth;
pub mod hash;
pub mod login;
pub mod memory;
pub mod refresh_postgres;
pub mod refresh_sqlite;
pub mod scale;
pub mod start;

use std::collections::BTreeMap;
use std::future::Future;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{Client, TestServer};

use crate::bench::Bench;
use crate::client::LoadStats;
use crate::measure::{Measured, Round};
use crate::process::Process;

/// The names of all measures, in the order in which they run and are reported.
pub const ALL: [&str; 11] = [
    "login",
    "hash",
    "bearer",
    "first_use",
    "refresh_postgres",
    "refresh_sqlite",
    "growth",
    "flood",
    "memory",
    "start",
    "scale",
];

/// Returns the measures of a name: the one that has it, or those whose names begin with it and an underscore. `refresh` is
/// both measures of refreshes.
///
/// # Errors
/// If there is none.
pub fn named(name: &str) -> Result<Vec<&'static str>> {
    let is_named = |measure: &&str| {
        measure.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    let found: Vec<_> = ALL.into_iter().filter(is_named).collect();
    ensure!(!found.is_empty(), "there is no measure {name:?}; there are {}", ALL.join(", "));
    Ok(found)
}

/// Takes the measure of this name.
///
/// # Errors
/// When there is none, or something is not as it should be.
pub async fn take(name: &str, bench: &Bench) -> Result<Vec<Measured>> {
    match name {
        "login" => login::measure(bench).await,
        "hash" => hash::measure(bench).await,
        "bearer" => bearer::measure(bench).await,
        "first_use" => first_use::measure(bench).await,
        "refresh_postgres" => refresh_postgres::measure(bench).await,
        "refresh_sqlite" => refresh_sqlite::measure(bench).await,
        "growth" => growth::measure(bench).await,
        "flood" => flood::measure(bench).await,
        "memory" => memory::measure(bench).await,
        "start" => start::measure(bench).await,
        "scale" => scale::measure(bench).await,
        other => bail!("there is no measure {other:?}"),
    }
}

/// How many cores this program may use.
fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Registers a user of this name, whose password is `P@ssw0rd!`.
fn register(client: &Client, name: &str) -> Result<()> {
    let response = client.register(name);
    ensure!(response.status == 201, "{name} is not registered: {} {}", response.status, response.body);
    Ok(())
}

/// Returns the public key that verifies the tokens of a server, as its JWK.
fn published_key(client: &Client) -> Result<String> {
    let keys: serde_json::Value = serde_json::from_str(&client.get("/.well-known/jwks.json", None).body)?;
    Ok(keys["keys"].get(0).context("a public key")?.to_string())
}

/// The answers of a load, and its cost for the server.
struct ServerLoad {
    stats: LoadStats,
    /// How many cores the server kept busy, the warm-up included.
    server_cores: f64,
}

/// Watches the server under a load, and records where its time goes if that is asked for.
async fn measure_load(
    id: &str,
    server: &TestServer,
    bench: &Bench,
    load: impl Future<Output = Result<LoadStats>>,
) -> Result<ServerLoad> {
    let process = Process::new(server.process_id());
    let recording = bench.record(id, server.process_id())?;
    let before = process.cpu_time()?;
    let stats = load.await?;
    let busy = process.cpu_time()?.saturating_sub(before);
    drop(recording);
    Ok(ServerLoad { stats, server_cores: busy.div_duration_f64(bench.warm_up + bench.run) })
}

/// A round of answers a second, whose limit is not known yet.
fn rate(ServerLoad { stats, server_cores }: &ServerLoad) -> Round {
    let detail = [
        ("p50 ms", stats.percentile_ms(50.0)),
        ("p99 ms", stats.percentile_ms(99.0)),
        ("server cores", *server_cores),
        ("client cores", stats.client_cores()),
    ];
    let detail = detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Round { limit: None, ours: stats.per_second(), detail }
}

/// The percentiles that a picture shows, as details of a round: `idle p99 ms`.
fn percentiles(series: &str, stats: &LoadStats) -> BTreeMap<String, f64> {
    let percents = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9];
    percents.map(|percent| (format!("{series} p{percent} ms"), stats.percentile_ms(percent))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_selects_one_measure_or_a_group() {
        assert_eq!(named("refresh").expect("two"), ["refresh_postgres", "refresh_sqlite"]);
        assert_eq!(named("refresh_sqlite").expect("one"), ["refresh_sqlite"]);
        assert_eq!(named("hash").expect("one"), ["hash"]);
        assert!(named("ref").is_err() && named("").is_err());
    }
}
