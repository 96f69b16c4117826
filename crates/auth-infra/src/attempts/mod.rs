//! Counters of attempts: in memory for one node, and none at all. Those of several nodes are on
//! [PostgreSQL](crate::postgres).

#[cfg(feature = "attempts")]
mod memory;
mod patience;
#[cfg(feature = "attempts")]
mod unlimited;

pub(crate) use patience::persist;

#[cfg(feature = "attempts")]
pub use memory::MemoryAttempts;
#[cfg(feature = "attempts")]
pub use unlimited::NoLimits;
