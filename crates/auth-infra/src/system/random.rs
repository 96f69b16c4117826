//! The randomness of the machine.

use auth_domain::ports::SecureRandom;

/// AWS-LC's random generator, seeded and re-seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl SecureRandom for SystemRandom {
    /// # Panics
    /// When the operating system gives no randomness: whoever went on with predictable bytes would hand out secrets
    /// that can be guessed.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system's random source has failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_byte() {
        // Of 64 fills a byte that is always filled is zero each time once in 2^512 runs.
        let mut seen = [0_u8; 48];
        for _ in 0..64 {
            let mut bytes = [0; 48];
            SystemRandom.fill(&mut bytes);
            seen.iter_mut().zip(bytes).for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|byte| *byte != 0));
    }

    #[test]
    fn fills_each_time_anew() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut first);
        SystemRandom.fill(&mut second);
        assert_ne!(first, second);
    }
}
