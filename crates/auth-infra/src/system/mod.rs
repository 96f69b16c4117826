//! The system's clock and the system's randomness: the only place in the tree that asks the machine for either.

mod clock;
mod random;

pub use clock::SystemClock;
pub use random::SystemRandom;
