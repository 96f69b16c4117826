//! How long a hash takes on this machine.

use std::num::NonZero;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use argon2::Params;
use argon2::password_hash::phc::Salt;
use parking_lot::Mutex;
use thiserror::Error;

use super::argon2_hash::{Argon2Params, SALT_BYTES, TAG_BYTES};
use super::engine::Engine;
use super::memory::Memory;
use super::settings::{HashingSettings, InvalidHashingSettings};
use super::stored::HashingError;

/// How long each worker measures, but for three hashes at least.
const MIN_DURATION: Duration = Duration::from_millis(300);
const MIN_HASHES: usize = 3;

/// Nothing was measured.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// The settings are not to be used.
    #[error(transparent)]
    Settings(#[from] InvalidHashingSettings),
    /// No hash could be computed.
    #[error("cannot hash: {0}")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How long one hash takes with the engine that serves here, the median of many, while each of as many workers as a service with these settings has on
/// `cores` cores computes one after another.
///
/// # Errors
/// When the settings are not valid or the machine has no memory for them.
pub fn measure(settings: &HashingSettings, cores: NonZero<usize>) -> Result<Duration, MeasureError> {
    settings.validate()?;
    let HashingSettings { memory_kib, iterations, parallelism, .. } = *settings;
    let params = || -> Result<_, argon2::Error> {
        let params = Params::new(memory_kib, iterations, parallelism, Some(TAG_BYTES))?;
        let salt = Salt::new(&[0; SALT_BYTES]).map_err(|_| argon2::Error::SaltTooShort)?;
        Ok((params.block_count(), Argon2Params::new(params, salt)))
    };
    let (share, params) = params().map_err(|fault| MeasureError::Hashing(fault.into()))?;
    let workers = settings.workers(cores).get();
    let (ready, oversize_lock) = (Barrier::new(workers), Arc::<Mutex<()>>::default());
    let engine = Engine::select();
    let work = || work(&params, Memory::new(engine, share, Arc::clone(&oversize_lock)), &ready);
    let measured: Result<Vec<_>, HashingError> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // A worker that panicked has nothing to say, and the others have.
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut times: Vec<_> =
        measured.map_err(|fault| MeasureError::Hashing(fault.into()))?.into_iter().flatten().collect();
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// One worker: the first hash, which takes its memory from the system, is not measured.
fn work(params: &Argon2Params, mut memory: Memory, ready: &Barrier) -> Result<Vec<Duration>, HashingError> {
    let first = params.clone().hash(b"measured", &mut memory);
    ready.wait();
    first?;
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < MIN_HASHES || begun.elapsed() < MIN_DURATION {
        let one = Instant::now();
        params.clone().hash(b"measured", &mut memory)?;
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
    fn what_no_service_would_start_with_is_not_measured() {
        let weak = HashingSettings { iterations: 1, ..HashingSettings::default() };
        assert!(matches!(measure(&weak, NonZero::<usize>::MIN), Err(MeasureError::Settings(_))));
    }
}
