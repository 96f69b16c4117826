//! Randomness, as far as a test can check it.

use std::collections::BTreeSet;

use crate::ports::SecureRandom;

fn fill<const N: usize>(random: &dyn SecureRandom) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A correct source leaves a byte unchanged in all 64 fills with probability 2^-504.
pub(super) async fn every_byte_is_filled(random: &dyn SecureRandom) {
    for length in (0..=65).chain([255, 256, 257, 4_096]) {
        let mut seen = vec![BTreeSet::new(); length];
        for _ in 0..64 {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            for (seen, byte) in seen.iter_mut().zip(bytes) {
                seen.insert(byte);
            }
        }
        let stuck = seen.iter().position(|seen| seen.len() == 1);
        assert_eq!(stuck, None, "this byte of {length} never changes");
    }
}

/// A correct source repeats a fill with a probability below 2^-107.
pub(super) async fn no_two_fills_are_equal(random: &dyn SecureRandom) {
    let fills: BTreeSet<[u8; 16]> = (0..1_000).map(|_| fill(random)).collect();
    assert_eq!(fills.len(), 1_000);
}

/// Each count has mean 256 and standard deviation 16. A deviation of 160 has a probability below 10^-20.
pub(super) async fn every_byte_value_is_equally_likely(random: &dyn SecureRandom) {
    let mut counts = [0_u32; 256];
    for _ in 0..64 {
        for byte in fill::<1_024>(random) {
            counts[usize::from(byte)] += 1;
        }
    }
    let unlikely = counts.iter().position(|count| !(96..=416).contains(count));
    assert_eq!(unlikely, None, "this value occurs too rarely or too often");
}
