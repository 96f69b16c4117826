#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    all(feature = "postgres", feature = "sqlite"),
    expect(clippy::duplicate_mod, reason = "both engines mount the files of sql/shared, see ADR 0003")
)]

#[cfg(any(feature = "attempts", feature = "postgres"))]
pub mod attempts;
#[cfg(feature = "audit")]
pub mod audit;
#[cfg(feature = "argon2")]
pub mod password;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(all(feature = "service", any(feature = "postgres", feature = "sqlite")))]
pub mod service;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod store;
#[cfg(feature = "jwt")]
pub mod strict_modes;
#[cfg(feature = "audit")]
mod supervisor;
#[cfg(feature = "system")]
pub mod system;
#[cfg(feature = "jwt")]
pub mod token;
