//! The rules of an authentication service, without any I/O.
//!
//! This crate decides on registration, login, log-out, and token refresh with rotation and replay detection. It covers
//! the management of users and API keys, attempt limits and the audit trail. It contains no clock, random source, file,
//! network, async runtime or HTTP. It declares what it needs as traits, the [`ports`]. A program that implements them,
//! or uses the adapters of `auth-infra`, has a complete authentication service.
//!
//! # Overview
//!
//! [`Auth`] is the entry point. It holds the adapters ([`Ports`]) and the rules ([`policy::Policy`]), and has one method
//! per use case. A use case takes a command of validated values and returns its result or a typed error:
//!
//! 1. The caller parses its input into types of the [`model`], such as [`model::EmailAddress`] or [`model::Password`].
//! 2. The use case decides with pure functions of the model, and reads and writes through the ports.
//! 3. The use case records an audit event.
//!
//! Where a decision depends on stored data, the port carries it out in one transaction. Two examples are refreshing a
//! session ([`ports::SessionRepository::refresh`]) and admitting a password attempt ([`ports::AttemptLimiter::admit`]).
//!
//! # Modules
//!
//! | module | content |
//! |---|---|
//! | [`model`] | users, identifiers, passwords, sessions, credentials, claims, roles, API keys, attempt counters, audit events |
//! | [`policy`] | the rules of a deployment, as plain data with secure defaults |
//! | [`ports`] | the required interfaces, one trait each, with its contract in lines with MUST |
//! | [`use_cases`] | the commands, results and errors of the methods of [`Auth`] |
//!
//! # Features
//!
//! | feature | content |
//! |---|---|
//! | `testing` | in-memory adapters for every port, a manual clock and seeded randomness |
//! | `conformance` | a test suite that checks an adapter against the contract of its port |
//! | `mocks` | a mock of every port, made with [mockall](https://docs.rs/mockall) |
//!
//! # Example
//!
//! Register a user, log in, and refresh the session:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use auth_domain::model::{
//!     Client, ClientId, EmailAddress, Identifiers, Password, PasswordAttempt, PasswordPolicy, RefreshStyle,
//!     RoleChoice, Roles,
//! };
//! use auth_domain::testing::TestPorts; // in production: your own adapters, or those of `auth-infra`
//! use auth_domain::use_cases::{LogIn, RefreshSession, Register};
//!
//! let auth = TestPorts::new().auth();
//!
//! let email = EmailAddress::parse("jane.doe@example.com")?;
//! auth.register(Register {
//!     identifiers: Identifiers::new(None, Some(email)).ok_or("a user needs an identifier")?,
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
//! let token = login.refresh_token.ok_or("a rotating client gets a refresh token")?;
//! let refreshed = auth.refresh_session(RefreshSession { client: &client, token: token.expose() }).await?;
//! assert!(refreshed.refresh_token.is_some_and(|successor| successor.expose() != token.expose()));
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
