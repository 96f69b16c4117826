//! Argon2id password hashes (RFC 9106) on a bounded pool of threads, and the verification of imported bcrypt, scrypt and
//! PBKDF2 hashes.
//!
//! A hash takes milliseconds of a core and megabytes of memory, on purpose. Hashing therefore has bounds of its own.
//! They are: as many concurrent hashes as cores and memory allow ([`HashingSettings`]), a short queue, and an early
//! [`Overloaded`](auth_domain::ports::PortError::Overloaded) beyond it.
//!
//! Two engines compute the same function. The fast one is used if it agrees with the portable one at the start; otherwise
//! the portable one is used (ADR 0011).
//!
//! Each worker keeps the memory of one hash with the current parameters, because fresh pages can cost more time than the
//! hash itself. One hash at a time may be bigger, if it was stored with higher parameters. Its memory is released at once.

mod argon2_hash;
mod bcrypt_hash;
mod common;
mod engine;
mod error;
mod hasher;
mod measure;
mod memory;
mod params;
mod pbkdf2_hash;
mod pool;
mod scrypt_hash;
mod self_check;
mod settings;
mod stored;

pub use common::common_passwords;
pub use hasher::{Argon2Hasher, StartHashingError};
pub use measure::{MeasureError, measure};
pub use settings::{HashingSettings, InvalidHashingSettings};

/// Whether [`Argon2Hasher`] can verify `stored` within its cost bounds. An import checks hashes with it before it stores
/// them. Nothing is computed.
#[must_use]
pub fn is_verifiable(stored: &str) -> bool {
    stored::StoredHash::parse(stored).is_ok()
}
