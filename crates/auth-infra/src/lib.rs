//! Adapters for the ports of [`auth_domain`], each behind a feature of its own.
//!
//! | module | feature | holds |
//! |---|---|---|
//! | `postgres` | `postgres` | users, sessions, revocations, API keys, audit events and counters of attempts for any number of nodes |
//! | `sqlite` | `sqlite` | the same without the counters, in one file for one node |
//! | `store` | either | one type over both stores |
//! | `attempts` | `attempts` | counters of attempts in memory, and none at all |
//! | `audit` | `audit` | the queue between what happens and where audit events are kept |
//! | `password` | `argon2` | Argon2id on a bounded pool, hashes that an import brought, common passwords |
//! | `token` | `jwt` | signed access tokens, and the directory of their keys |
//! | `strict_modes` | `jwt` | who may write to the files of the service |
//! | `system` | `system` | the system's clock and randomness |

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
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod store;
#[cfg(feature = "jwt")]
pub mod strict_modes;
#[cfg(feature = "system")]
pub mod system;
#[cfg(feature = "jwt")]
pub mod token;
