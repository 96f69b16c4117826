//! Users, credentials, sessions and tokens: what an authentication service decides, without anything it runs on.
//!
//! This crate knows no clock, no random source, no file, no network, no async runtime and no HTTP status. It says
//! what it needs of the world as traits, the [`ports`]; whoever implements them has a whole authentication service:
//! registration, login, refresh with rotation and replay detection, logout, the management of users and API keys, limits
//! on attempts, and an audit trail.
//!
//! | module | holds |
//! |---|---|
//! | [`model`] | what is spoken of: users, identifiers, passwords, sessions, credentials, claims, roles, API keys, counters of attempts, audit events |
//! | [`policy`] | what is allowed and for how long, as plain data |
//! | [`ports`] | what is needed of the world: one trait each, with its contract in lines with MUST |
//! | [`use_cases`] | what can be asked: one method of [`Auth`] each |
//! | `testing` | feature `testing`: every port in memory, a clock that stands still, chance with a seed |
//! | `conformance` | feature `conformance`: the suite that shows that an adapter keeps its contract |
//!
//! The feature `mocks` makes a mock of every port, with [mockall](https://docs.rs/mockall).
//!
//! # Register, log in, refresh
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use auth_domain::model::{
//!     Client, ClientId, EmailAddress, Identifiers, Password, PasswordAttempt, PasswordPolicy, RefreshStyle, RoleChoice, Roles,
//! };
//! use auth_domain::testing::TestPorts; // in production: adapters of your own, or those of `auth-infra`
//! use auth_domain::use_cases::{LogIn, RefreshSession, Register};
//!
//! let auth = TestPorts::new().auth();
//!
//! let email = EmailAddress::parse("jane.doe@example.com")?;
//! auth.register(Register {
//!     identifiers: Identifiers::new(None, Some(email)).ok_or("a user needs a name")?,
//!     password: Password::parse("correct horse battery staple", PasswordPolicy::default())?,
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
//! let password = PasswordAttempt::new("correct horse battery staple");
//! let login = auth.log_in(LogIn { client: &client, identifier: "Jane.Doe@example.com", password }).await?;
//! assert!(auth.authenticate(login.access_token.expose()).await.is_ok());
//!
//! let token = login.refresh_token.ok_or("this client's tokens rotate")?.expose();
//! let refreshed = auth.refresh_session(RefreshSession { client: &client, token: &token }).await?;
//! assert!(refreshed.refresh_token.is_some_and(|successor| successor.expose() != token));
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod model;
pub mod policy;
pub mod ports;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod use_cases;

mod auth;
mod random;

pub use auth::{Auth, Ports};
