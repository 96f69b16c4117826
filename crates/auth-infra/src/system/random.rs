//! Randomness of the operating system.

use auth_domain::ports::SecureRandom;

/// AWS-LC's random generator, seeded and re-seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    /// # Panics
    /// If the operating system provides no randomness, because predictable bytes would become secrets that can be guessed.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system's random source has failed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    auth_domain::conformance_tests! { secure_random: || async { Arc::new(SystemRandom) } }
}
