//! Argon2id in a bare loop: no server, no store, no queue. Each thread keeps its memory from hash to hash.

use std::fmt;
use std::str::FromStr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// The parameters of new hashes, by default: KiB, passes, lanes.
pub const PARAMETERS: (u32, u32, u32) = (19_456, 2, 1);

const PASSWORD: &[u8] = b"P@ssw0rd!";
const SALT: &[u8; 16] = b"sixteen bytes :)";

/// Whose Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// The crate `argon2-rust`, which chooses among the instructions of the processor when it runs.
    Simd,
    /// The crate `argon2` of `RustCrypto`, for any processor of this architecture.
    RustCrypto,
}

impl Implementation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Simd, Self::RustCrypto];
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simd => "argon2-rust",
            Self::RustCrypto => "RustCrypto",
        })
    }
}

impl FromStr for Implementation {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.to_string() == name).with_context(|| format!("no implementation {name:?}"))
    }
}

/// Something that computes the same hash over and over in memory of its own.
type Hash = Box<dyn FnMut(&mut [u8; 32]) -> Result<()>>;

impl Implementation {
    fn hash(self) -> Result<Hash> {
        let (memory, passes, lanes) = PARAMETERS;
        match self {
            Self::Simd => {
                let memory = argon2_rust::params::Memory::kib(memory.into());
                let params = argon2_rust::Params::builder().memory(memory).passes(passes).lanes(lanes);
                let params = params.build().map_err(|error| anyhow!("{error:?}"))?;
                let (kind, version) = (argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13);
                let mut hasher = argon2_rust::Argon2::new(kind, version, params).hasher();
                Ok(Box::new(move |tag| {
                    hasher.hash_into(PASSWORD, SALT, tag).map_err(|error| anyhow!("{error:?}"))
                }))
            }
            Self::RustCrypto => {
                let params =
                    Params::new(memory, passes, lanes, Some(32)).map_err(|error| anyhow!("{error}"))?;
                let mut blocks = vec![Block::new(); params.block_count()];
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                Ok(Box::new(move |tag| {
                    argon2
                        .hash_password_into_with_memory(PASSWORD, SALT, tag, &mut blocks)
                        .map_err(|error| anyhow!("{error}"))
                }))
            }
        }
    }

    /// The tag of the one password and salt that is computed here: all implementations must agree on it.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn tag(self) -> Result<[u8; 32]> {
        let mut tag = [0; 32];
        self.hash()?(&mut tag)?;
        Ok(tag)
    }

    /// What each hash took in one thread, until the time is over.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn times(self, run: Duration) -> Result<Vec<Duration>> {
        times(self.hash()?, run, || {})
    }

    /// Hashes a second of this number of threads together.
    ///
    /// # Errors
    /// When there is no memory.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^53 hashes")]
    pub fn per_second(self, threads: usize, run: Duration) -> Result<f64> {
        let ready = Barrier::new(threads);
        let counts: Result<Vec<usize>> = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| self.count_hashes(run, &ready))).collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("it panicked"))?).collect()
        });
        Ok(counts?.into_iter().sum::<usize>() as f64 / run.as_secs_f64())
    }

    /// The hashes of one thread, counted from the moment when all threads are ready.
    fn count_hashes(self, run: Duration, ready: &Barrier) -> Result<usize> {
        let hash = self.hash()?;
        let times = times(hash, run, || {
            ready.wait();
        })?;
        Ok(times.len())
    }
}

/// The first hash, which takes its memory from the system, is not counted.
fn times(mut hash: Hash, run: Duration, ready: impl FnOnce()) -> Result<Vec<Duration>> {
    let mut tag = [0; 32];
    hash(&mut tag)?;
    ready();
    let begun = Instant::now();
    let mut times = Vec::new();
    loop {
        let one = Instant::now();
        hash(&mut tag)?;
        // One that ends after the end is not counted, as no answer is that comes after it.
        if begun.elapsed() > run {
            if times.is_empty() {
                bail!("not one hash in {run:?}");
            }
            return Ok(times);
        }
        times.push(one.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implementations_compute_the_same() {
        let tags = Implementation::ALL.map(|one| one.tag().expect("a tag"));
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    }

    #[test]
    fn implementation_names_round_trip() {
        for one in Implementation::ALL {
            assert_eq!(one.to_string().parse::<Implementation>().expect("a name"), one);
        }
        assert!("other".parse::<Implementation>().is_err());
    }
}
