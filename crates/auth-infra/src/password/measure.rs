//! The time of one hash on this machine.

use std::num::NonZero;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use argon2::password_hash::phc::Salt;
use parking_lot::Mutex;
use thiserror::Error;

use super::argon2_hash::Argon2Hash;
use super::engine::Engine;
use super::error::HashingError;
use super::memory::Memory;
use super::params::{Argon2Params, SALT_BYTES};
use super::settings::{HashingSettings, InvalidHashingSettings};

/// Each worker measures for at least this long and this many hashes.
const MIN_DURATION: Duration = Duration::from_millis(300);
const MIN_HASHES: usize = 3;

#[derive(Debug, Error)]
pub enum MeasureError {
    #[error(transparent)]
    Settings(#[from] InvalidHashingSettings),
    #[error("cannot hash: {0}")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Measures the median time of one hash, with the engine that this machine uses. As many workers as a service with these
/// settings has on `cores` cores compute at the same time.
///
/// # Errors
/// If the settings are invalid or the machine has too little memory for them.
pub fn measure(settings: &HashingSettings, cores: NonZero<usize>) -> Result<Duration, MeasureError> {
    settings.validate()?;
    let cost = settings.params().map_err(|error| MeasureError::Hashing(error.into()))?;
    let salt = Salt::new(&[0; SALT_BYTES]).map_err(|error| MeasureError::Hashing(error.into()))?;
    let (share, params) = (cost.block_count(), Argon2Params::new(cost, salt));
    let workers = settings.workers(cores).get();
    let (ready, oversize_lock) = (Barrier::new(workers), Arc::<Mutex<()>>::default());
    let engine = Engine::select();
    let measured: Result<Vec<_>, HashingError> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|_| {
                let memory = Memory::new(engine, share, Arc::clone(&oversize_lock));
                scope.spawn(|| measure_worker(&params, memory, &ready))
            })
            .collect();
        // The measurements of a worker that panicked are left out.
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut times: Vec<_> =
        measured.map_err(|error| MeasureError::Hashing(error.into()))?.into_iter().flatten().collect();
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// One worker. Its first hash, which allocates the memory, is not measured.
fn measure_worker(
    params: &Argon2Params,
    mut memory: Memory,
    ready: &Barrier,
) -> Result<Vec<Duration>, HashingError> {
    let first = Argon2Hash::compute(params.clone(), b"measured", &mut memory);
    // Before the error is returned, because the other workers wait at the barrier.
    ready.wait();
    first?;
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < MIN_HASHES || begun.elapsed() < MIN_DURATION {
        let one = Instant::now();
        Argon2Hash::compute(params.clone(), b"measured", &mut memory)?;
        times.push(one.elapsed());
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_iterations_take_more_time() {
        let with = |iterations| {
            let settings = HashingSettings { memory_kib: 12_288, iterations, ..HashingSettings::default() };
            measure(&settings, NonZero::<usize>::MIN).expect("measured")
        };
        let (few, many) = (with(3), with(10));
        assert!(Duration::ZERO < few && few < many, "{few:?} {many:?}");
    }

    #[test]
    fn invalid_settings_are_not_measured() {
        let weak = HashingSettings { iterations: 1, ..HashingSettings::default() };
        assert!(matches!(measure(&weak, NonZero::<usize>::MIN), Err(MeasureError::Settings(_))));
    }
}
