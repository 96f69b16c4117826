//! Reproducible randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::ports::SecureRandom;

/// A [`SecureRandom`] for tests: SHA-256 in counter mode, so the same seed gives the same bytes.
///
/// It is unsafe outside tests, because the seed determines every byte.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    blocks: AtomicU64,
}

impl SeededRandom {
    /// Creates a source that starts at the first byte of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks: AtomicU64::new(0) }
    }

    fn next_block(&self) -> [u8; 32] {
        let block = self.blocks.fetch_add(1, Ordering::Relaxed);
        Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(block.to_be_bytes())
            .finalize()
            .into()
    }
}

/// Uses the seed zero.
impl Default for SeededRandom {
    fn default() -> Self {
        Self::new(0)
    }
}

impl SecureRandom for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            chunk.copy_from_slice(&self.next_block()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(random: &SeededRandom) -> [u8; 40] {
        let mut bytes = [0; 40];
        random.fill(&mut bytes);
        bytes
    }

    #[test]
    fn seed_determines_the_bytes() {
        let first = SeededRandom::new(1);
        let (one, two) = (bytes(&first), bytes(&first));
        assert_ne!(one, two);
        let again = SeededRandom::new(1);
        assert_eq!((bytes(&again), bytes(&again)), (one, two));
        assert_ne!(bytes(&SeededRandom::new(2)), one);
    }
}
