//! Argon2id password hashes (RFC 9106) on a bounded pool of threads, and the verification of imported hashes. Their
//! algorithms are Argon2, bcrypt, scrypt, PBKDF2, SHA-crypt, phpass and Firebase, in the spellings of many programs.
//!
//! A hash takes milliseconds of a core and megabytes of memory, on purpose. Hashing therefore has bounds of its own.
//! They are: as many concurrent hashes as cores and memory allow ([`HashingSettings`]), a short queue, and an early
//! [`Overloaded`](auth_domain::ports::PortError::Overloaded) beyond it.
//!
//! Two engines compute the same function. The fast one is used if it agrees with the portable one at the start; otherwise
//! the portable one is used (ADR 0011).
//!
//! Each worker keeps the memory of one hash with the current parameters, because fresh pages can cost more time than the
//! hash itself. Imported hashes have threads of their own. One of them at a time may need memory, which is released at once.

mod argon2_hash;
mod bcrypt_hash;
mod calibration;
mod cost;
mod encoding;
mod engine;
mod error;
mod fair_queue;
mod firebase_hash;
mod hasher;
mod measure;
mod memory;
mod params;
mod pbkdf2_hash;
mod phpass_hash;
mod pool;
mod preparation;
mod scrypt_hash;
mod self_check;
mod settings;
mod sha_crypt_hash;
mod spelling;
mod stored;
mod unsupported;

use std::time::Duration;

pub use hasher::{Argon2Hasher, StartHashingError};
pub use measure::{MeasureError, measure};
pub use settings::{HashingSettings, InvalidHashingSettings};

/// The cost of a verification of `stored`, for tests of the bounds; `None` if [`Argon2Hasher`] never verifies it. It is the
/// nominal time and the bytes of memory. Nothing is computed.
#[must_use]
pub fn verification_cost(stored: &str) -> Option<(Duration, u64)> {
    let hash = stored::StoredHash::parse(stored).ok()?;
    Some((hash.costs().iter().map(cost::Cost::nominal_time).sum(), hash.memory_bytes()))
}
