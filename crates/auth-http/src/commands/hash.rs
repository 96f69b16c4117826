//! Measures the cost of password hashing on this machine.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use auth_infra::password::{HashingSettings, MeasureError, measure};
use clap::Subcommand;

use super::output::{print, table};
use crate::settings::Settings;

/// The memory sizes to measure, in KiB: the rows of OWASP and larger ones.
const MEMORIES: [u32; 10] =
    [12_288, 19_456, 32_768, 47_104, 65_536, 98_304, 131_072, 262_144, 524_288, 1_048_576];

/// The maximum of the setting `hashing.iterations`.
const MAX_ITERATIONS: u32 = 10;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Measures Argon2id with as many concurrent hashes as the service computes, and proposes settings
    Calibrate {
        /// The maximum time of one hash, and so of a login, in milliseconds
        #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=2_000))]
        target_ms: u64,
    },
}

/// Parameters, and the time of one hash with them.
struct Measured {
    settings: HashingSettings,
    time: Duration,
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let Command::Calibrate { target_ms } = command;
    let target = Duration::from_millis(*target_ms);
    let cores = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let rows = candidates(&settings.hashing, cores)
        .into_iter()
        .map(|candidate| fit(candidate, target, cores))
        .collect::<Result<Vec<_>, _>>()?;
    print(&as_table(&rows, cores))?;
    let chosen = choose(&rows, target)
        .context("the memory budget is too small for a hash: raise hashing.memory_budget_mib")?;
    let sentence = if chosen.time <= target {
        format!("The most memory within {target_ms} ms, then the most iterations (RFC 9106, section 4):")
    } else {
        format!("Nothing that OWASP allows is within {target_ms} ms here. The fastest that it allows:")
    };
    let HashingSettings { memory_kib, iterations, parallelism, .. } = chosen.settings;
    print(&format!(
        "\n{sentence}\n\nAUTH_HASHING__MEMORY_KIB={memory_kib}\nAUTH_HASHING__ITERATIONS={iterations}\n\
         AUTH_HASHING__PARALLELISM={parallelism}\n"
    ))
}

/// The parameters to measure, each with the fewest iterations that OWASP allows. Parameters that allow fewer concurrent
/// hashes than now within the memory budget are left out.
fn candidates(now: &HashingSettings, cores: NonZero<usize>) -> Vec<HashingSettings> {
    MEMORIES
        .into_iter()
        .filter_map(|memory_kib| {
            let iterations = HashingSettings::min_iterations(memory_kib)?;
            Some(HashingSettings { memory_kib, iterations, parallelism: 1, ..now.clone() })
        })
        .filter(|settings| settings.validate().is_ok() && settings.workers(cores) >= now.workers(cores))
        .collect()
}

/// Measures the largest number of iterations within `target`, but no fewer than OWASP allows.
fn fit(
    candidate: HashingSettings,
    target: Duration,
    cores: NonZero<usize>,
) -> Result<Measured, MeasureError> {
    let fewest = candidate.iterations;
    let time = measure(&candidate, cores)?;
    let each = time / fewest;
    let fitting = target.as_micros().checked_div(each.as_micros()).unwrap_or(0);
    let mut iterations = u32::try_from(fitting).unwrap_or(MAX_ITERATIONS).min(MAX_ITERATIONS);
    while iterations > fewest {
        let settings = HashingSettings { iterations, ..candidate.clone() };
        let time = measure(&settings, cores)?;
        if time <= target {
            return Ok(Measured { settings, time });
        }
        iterations -= 1;
    }
    Ok(Measured { settings: candidate, time })
}

/// Chooses the parameters with the most memory within the target, or else the fastest.
fn choose(rows: &[Measured], target: Duration) -> Option<&Measured> {
    let fitting = rows.iter().filter(|row| row.time <= target);
    fitting.max_by_key(|row| row.settings.memory_kib).or_else(|| rows.iter().min_by_key(|row| row.time))
}

fn as_table(rows: &[Measured], cores: NonZero<usize>) -> String {
    let rows = rows.iter().map(|Measured { settings, time }| {
        let workers = settings.workers(cores).get();
        let rate = u128::try_from(workers).unwrap_or(1) * 1_000_000 / time.as_micros().max(1);
        [
            format!("{} KiB", settings.memory_kib),
            settings.iterations.to_string(),
            settings.parallelism.to_string(),
            workers.to_string(),
            format!("{:.1} ms", 1_000.0 * time.as_secs_f64()),
            rate.to_string(),
        ]
    });
    table(["MEMORY", "ITERATIONS", "LANES", "AT A TIME", "ONE TAKES", "A SECOND"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(count: usize) -> NonZero<usize> {
        NonZero::new(count).expect("cores")
    }

    fn measured(memory_kib: u32, milliseconds: u64) -> Measured {
        let settings = HashingSettings { memory_kib, ..HashingSettings::default() };
        Measured { settings, time: Duration::from_millis(milliseconds) }
    }

    #[test]
    fn candidates_are_valid_and_keep_the_workers() {
        let now = HashingSettings::default();
        let memories = |cores_| {
            let candidates = candidates(&now, cores(cores_));
            assert!(candidates.iter().all(|settings| settings.validate().is_ok()));
            candidates.iter().map(|settings| settings.memory_kib).max()
        };
        assert_eq!(memories(1), Some(262_144));
        assert_eq!(memories(2), Some(131_072));
        assert_eq!(memories(64), Some(19_456), "13 hashes at a time, as now");
    }

    #[test]
    fn most_memory_within_the_target_or_the_fastest_is_chosen() {
        let rows = [measured(12_288, 90), measured(19_456, 100), measured(47_104, 101)];
        let chosen = |target| {
            let chosen = choose(&rows, Duration::from_millis(target)).expect("one");
            chosen.settings.memory_kib
        };
        assert_eq!((chosen(100), chosen(500), chosen(10)), (19_456, 47_104, 12_288));
        assert!(choose(&[], Duration::ZERO).is_none());
    }
}
