//! Chance, as far as it can be examined.

use std::collections::BTreeSet;

use crate::ports::SecureRandom;

fn fill<const N: usize>(random: &dyn SecureRandom) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// That a byte is never touched, or always set to the same, has a chance of 2^-504.
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
        assert_eq!(stuck, None, "a byte that never changes, of {length}");
    }
}

/// That two are equal by chance is less likely than 2^-107.
pub(super) async fn no_two_fills_are_equal(random: &dyn SecureRandom) {
    let fills: BTreeSet<[u8; 16]> = (0..1_000).map(|_| fill(random)).collect();
    assert_eq!(fills.len(), 1_000);
}

/// Each count is 256 give or take 16; ten times that much has a chance of less than 10^-20.
pub(super) async fn every_byte_value_is_equally_likely(random: &dyn SecureRandom) {
    let mut counts = [0_u32; 256];
    for _ in 0..64 {
        for byte in fill::<1_024>(random) {
            counts[usize::from(byte)] += 1;
        }
    }
    let odd = counts.iter().position(|count| !(96..=416).contains(count));
    assert_eq!(odd, None, "a value that comes too seldom or too often");
}
