//! The system's clock and randomness. No other module reads either from the machine.

mod clock;
mod random;

pub use clock::SystemClock;
pub use random::SystemRandom;
