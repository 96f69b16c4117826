//! How much memory the service keeps: with nothing to do, and while log-ins flood it.

use std::collections::BTreeMap;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Result;
use e2e::TestServer;

use crate::bench::{Bench, Store};
use crate::client::{SameRequest, closed, post};
use crate::measure::{Better, Goal, Measured, Round};
use crate::process::Process;
use crate::sessions::{self, LOG_IN};

/// The connections of the flood.
const CONNECTIONS: usize = 64;
/// What the flood may take in addition to the blocks of Argon2, in MiB.
const ALLOWANCE: f64 = 64.0;
/// The memory of one hash in MiB, by default (19456 KiB).
const BLOCK: f64 = 19.0;
/// How long it is left alone before it is looked at.
const IDLE_TIME: Duration = Duration::from_secs(2);

/// MiB of the resident set, idle and in a flood.
///
/// # Errors
/// When an answer is not a log-in's, or this is not Linux.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for store in Store::ALL {
        let (mut idle, mut flooded) = (Vec::new(), Vec::new());
        for _ in 0..bench.rounds {
            let (before, most) = round(store, bench).await?;
            idle.push(Round { ours: before, ..Round::default() });
            flooded.push(Round { limit: Some(before + allowed()), ours: most, detail: BTreeMap::new() });
        }
        measured.push(measured_from(store, "idle", "Memory, idle", Some(Goal::Value(25.0)), idle));
        measured.push(measured_from(store, "flood", "Memory, log-in flood", Some(Goal::Ratio(1.0)), flooded));
    }
    Ok(measured)
}

/// What a flood may add, in MiB: a block for each hash that can be under way, one a core, and the allowance.
fn allowed() -> f64 {
    let workers = available_parallelism().map_or(1, usize::from);
    u32::try_from(workers).map_or(f64::INFINITY, f64::from) * BLOCK + ALLOWANCE
}

/// What a new service keeps at first, and the most that it keeps while log-ins flood it.
async fn round(store: Store, bench: &Bench) -> Result<(f64, f64)> {
    let data = store.test_data()?;
    let server = TestServer::start_with(&data, &[("AUTH_LOG__LEVEL", "warn")]);
    let process = Process::new(server.process_id());
    tokio::time::sleep(IDLE_TIME).await;
    let idle = mib(process.resident_kib()?);
    let users = sessions::register(&server.client(), CONNECTIONS)?;
    let clients = users
        .iter()
        .map(|user| SameRequest(post(LOG_IN, &sessions::credentials(&format!("{user}@example.com")))));
    closed(server.base(), clients, bench.warm_up, bench.run).await?;
    Ok((idle, mib(process.peak_resident_kib()?)))
}

#[expect(clippy::cast_precision_loss, reason = "no process has 2^53 KiB")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn measured_from(store: Store, id: &str, name: &str, goal: Option<Goal>, rounds: Vec<Round>) -> Measured {
    let notes = match goal {
        Some(Goal::Ratio(_)) => format!(
            "The maximum of the resident set (VmHWM) while {CONNECTIONS} connections log in. The limit: idle, {BLOCK} MiB for \
             each hash that may be under way, one a core, and {ALLOWANCE} MiB."
        ),
        _ => format!("The resident set (VmRSS) {} s after it was ready.", IDLE_TIME.as_secs()),
    };
    Measured {
        id: format!("memory-{id}-{}", store.id()),
        name: format!("{name}, {store}"),
        unit: "MiB".to_owned(),
        better: Better::Lower,
        goal,
        limit: if id == "flood" { "idle + workers x m + 64 MiB".to_owned() } else { String::new() },
        rounds,
        notes: vec![notes],
    }
}
