//! Everything a test needs instead of the world: stores in memory, a clock that stands still, chance with a seed, a
//! hasher that costs nothing and tokens that anybody can make.
//!
//! None of it is fit for production: what is hashed and signed here is safe from nobody. The stores, however, keep
//! the contracts of their ports to the letter, as the conformance suite shows.
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_domain::model::{
//!     Client, ClientId, Identifiers, Password, PasswordAttempt, PasswordPolicy, RefreshStyle, RoleChoice, Roles, Username,
//! };
//! use auth_domain::ports::PortError;
//! use auth_domain::testing::TestPorts;
//! use auth_domain::use_cases::{LogIn, LogInError, Register};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let world = TestPorts::new();
//! let auth = world.auth(); // every use case, over ports that the test has in its hands
//!
//! auth.register(Register {
//!     identifiers: Identifiers::new(Some(Username::parse("jane")?), None).ok_or("a name")?,
//!     password: Password::parse("P@ssw0rd!", PasswordPolicy::default())?,
//!     display_name: None,
//!     phone_number: None,
//!     roles: RoleChoice::Assigned(Roles::default()),
//! })
//! .await?;
//!
//! let client = Client {
//!     id: ClientId::from_static("web"),
//!     refresh_style: RefreshStyle::Rotating,
//!     access_lifetime: Duration::from_secs(900),
//! };
//! let jane = || LogIn { client: &client, identifier: "jane", password: PasswordAttempt::new("P@ssw0rd!") };
//! let login = auth.log_in(jane()).await?;
//! let token = login.access_token.expose();
//! assert!(auth.authenticate(token).await.is_ok());
//!
//! world.clock.advance(Duration::from_secs(3_600)); // time passes when the test says so
//! assert!(auth.authenticate(token).await.is_err());
//!
//! world.hasher.set_overloaded(true); // and things go wrong when the test says so
//! assert!(matches!(auth.log_in(jane()).await, Err(LogInError::Port(PortError::Overloaded))));
//! # Ok(())
//! # }
//! ```

mod attempts;
mod clock;
mod hasher;
mod memory;
mod ports;
mod random;
mod tokens;

pub use attempts::MemoryAttempts;
pub use clock::FixedClock;
pub use hasher::PlainHasher;
pub use memory::MemoryStore;
pub use ports::{TestPorts, ports};
pub use random::SeededRandom;
pub use tokens::PlainTokens;
