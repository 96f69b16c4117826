//! In-memory adapters for tests, without I/O: a store, a clock, randomness with a seed, a fast hasher and plain tokens.
//!
//! None of it is fit for production: its hashes and signatures protect nothing. The adapters do fulfil the contracts of
//! their ports; the suite in `conformance` tests them like every other adapter.
//!
//! | adapter | port | what a test controls |
//! |---|---|---|
//! | [`MemoryStore`] | the repositories, the audit log, the revocation feed | [`set_unavailable`](MemoryStore::set_unavailable), [`verify_email`](MemoryStore::verify_email) |
//! | [`MemoryAttempts`] | [`AttemptLimiter`](crate::ports::AttemptLimiter) | the time of each call |
//! | [`PlainHasher`] | [`PasswordHasher`](crate::ports::PasswordHasher) | [`set_overloaded`](PlainHasher::set_overloaded), [`outdate`](PlainHasher::outdate), counts of its work |
//! | [`PlainTokens`] | [`AccessTokenCodec`](crate::ports::AccessTokenCodec) | the issuer |
//! | [`FixedClock`] | [`Clock`](crate::ports::Clock) | [`set`](FixedClock::set), [`advance`](FixedClock::advance) |
//! | [`ManualTimer`] | [`Timer`](crate::ports::Timer) | [`advance`](ManualTimer::advance) |
//! | [`SeededRandom`] | [`SecureRandom`](crate::ports::SecureRandom) | the seed |
//!
//! [`TestPorts`] holds one of each and gives the use cases over them:
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_domain::model::{
//!     Client, ClientId, Identifiers, Password, PasswordAttempt, RefreshStyle, RoleChoice,
//!     Roles, Username,
//! };
//! use auth_domain::ports::PortError;
//! use auth_domain::testing::TestPorts;
//! use auth_domain::use_cases::{LogIn, LogInError, Register};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ports = TestPorts::new();
//! let auth = ports.auth().on_behalf_of_system(); // all use cases over these adapters
//!
//! let identifiers = Identifiers::new(Some(Username::parse("jane")?), None).ok_or("a name")?;
//! auth.register(Register::new(identifiers, Password::parse("P@ssw0rd!")?)).await?;
//!
//! let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
//! let password = PasswordAttempt::new("P@ssw0rd!");
//! let login = auth.log_in(LogIn::new(&client, "jane", password)).await?;
//! let token = login.access_token.expose();
//! assert!(auth.authenticate(token).await.is_ok());
//!
//! ports.clock.advance(Duration::from_secs(3_600)); // only the test moves the clock
//! assert!(auth.authenticate(token).await.is_err());
//!
//! ports.hasher.set_overloaded(true); // the test injects an error
//! let again = LogIn::new(&client, "jane", PasswordAttempt::new("P@ssw0rd!"));
//! assert!(matches!(auth.log_in(again).await, Err(LogInError::Port(PortError::Overloaded))));
//! # Ok(())
//! # }
//! ```

mod attempts;
mod clock;
mod hasher;
mod memory;
mod names;
mod ports;
mod random;
mod timer;
mod tokens;

pub use attempts::MemoryAttempts;
pub use clock::FixedClock;
pub use hasher::PlainHasher;
pub use memory::MemoryStore;
pub use names::NAMES_OF_PEOPLE;
pub use ports::{TestPorts, ports};
pub use random::SeededRandom;
pub use timer::ManualTimer;
pub use tokens::PlainTokens;
