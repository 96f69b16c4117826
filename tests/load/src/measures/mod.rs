//! The measures, a file each.

pub mod bearer;
pub mod flood;
pub mod hash;
pub mod login;
pub mod memory;
pub mod refresh_postgres;
pub mod refresh_sqlite;
pub mod scale;
pub mod start;

use anyhow::{Result, bail};

use crate::bench::Bench;
use crate::measure::Measured;

/// The names of all measures, in the order in which they are taken and told.
pub const ALL: [&str; 9] =
    ["login", "hash", "bearer", "refresh_postgres", "refresh_sqlite", "flood", "memory", "start", "scale"];

/// Takes the measure of this name.
///
/// # Errors
/// When there is none, or something is not as it should be.
pub async fn take(name: &str, bench: &Bench) -> Result<Vec<Measured>> {
    match name {
        "login" => login::measure(bench).await,
        "hash" => hash::measure(bench).await,
        "bearer" => bearer::measure(bench).await,
        "refresh_postgres" => refresh_postgres::measure(bench).await,
        "refresh_sqlite" => refresh_sqlite::measure(bench).await,
        "flood" => flood::measure(bench).await,
        "memory" => memory::measure(bench).await,
        "start" => start::measure(bench).await,
        "scale" => scale::measure(bench).await,
        other => bail!("there is no measure {other:?}; there are {}", ALL.join(", ")),
    }
}
