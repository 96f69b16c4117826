//! Adapters for the ports of [`auth_domain`], each behind a feature of its own.

#[cfg(any(feature = "attempts", feature = "postgres"))]
pub mod attempts;
#[cfg(feature = "audit")]
pub mod audit;
#[cfg(feature = "argon2")]
pub mod password;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod store;
#[cfg(feature = "system")]
pub mod system;
#[cfg(feature = "jwt")]
pub mod token;
