//! Everything a test needs instead of the world: stores in memory, a clock that stands still, chance with a seed, a
//! hasher that costs nothing and tokens that anybody can make.
//!
//! None of it is fit for production: what is hashed and signed here is safe from nobody. The stores, however, keep
//! the contracts of their ports to the letter, as the conformance suite shows.
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_domain::model::{Identifiers, Roles, NewUser, PasswordHash, Timestamp, UserId, UserRef, Username};
//! use auth_domain::ports::{Clock, RegisterOutcome, UserRepository};
//! use auth_domain::testing::TestPorts;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let world = TestPorts::new();
//! let auth = world.auth(); // every use case, over ports that the test has in its hands
//!
//! world.clock.advance(Duration::from_secs(60)); // time passes when the test says so
//! world.hasher.set_overloaded(true); // and things go wrong when the test says so
//! # let _ = auth;
//! # Ok(())
//! # }
//! ```

mod clock;
mod hasher;
mod memory;
mod random;
mod tokens;
mod world;

pub use clock::FixedClock;
pub use hasher::PlainHasher;
pub use memory::MemoryStore;
pub use random::SeededRandom;
pub use tokens::PlainTokens;
pub use world::{TestPorts, ports};
