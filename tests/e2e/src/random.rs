//! Random numbers for interleavings, without a dependency.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A generator with a random seed: xorshift64 (Marsaglia, 2003).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator. The standard library takes the seed of a hasher from the system.
    #[must_use]
    pub fn new() -> Self {
        Self(RandomState::new().hash_one(()) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// A duration of whole milliseconds from one to `longest`.
    pub fn duration(&mut self, longest: Duration) -> Duration {
        let millis = u64::try_from(longest.as_millis()).expect("a short duration");
        Duration::from_millis(1 + self.below(millis))
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}
