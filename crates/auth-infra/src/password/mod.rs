//! Passwords hashed with Argon2id (RFC 9106), on a bounded pool of threads of its own.
//! Hashes of bcrypt, scrypt and PBKDF2 that an import brought are verified there too.
//!
//! A hash takes milliseconds of a core and megabytes of memory, on purpose. So hashing needs bounds that the rest of
//! a service does not: as many hashes at a time as there are cores and memory for ([`HashingSettings`]), a short
//! queue, and an early [`Overloaded`](auth_domain::ports::PortError::Overloaded) beyond it.
//!
//! Two engines compute the same: a fast one, which serves, and a portable one, which is asked at the start whether the fast
//! one is right on this machine, and serves if it is not.
//!
//! What the pool holds: each worker keeps the memory of one hash under today's parameters, taken at its first hash
//! and used again for every one after, because fresh pages can cost more time than the hash itself. One hash at a
//! time may be bigger than that, if it was stored under costlier parameters; its memory is given back at once.

mod argon2_hash;
mod bcrypt_hash;
mod common;
mod engine;
mod hasher;
mod measure;
mod memory;
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

/// Whether `stored` is a hash that [`Argon2Hasher`] reads and may spend its time on: for whoever brings hashes from
/// elsewhere, before they are stored. Nothing is computed.
#[must_use]
pub fn is_verifiable(stored: &str) -> bool {
    stored::StoredHash::parse(stored).is_ok()
}
