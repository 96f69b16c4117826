//! Counters of attempts: in memory for one node, and none at all. Those of several nodes are on
//! [PostgreSQL](crate::postgres).

#[cfg(feature = "attempts")]
mod memory;
#[cfg(feature = "attempts")]
mod unlimited;
mod wait;

pub(crate) use wait::wait_for_verdict;

#[cfg(feature = "attempts")]
pub use memory::MemoryAttempts;
#[cfg(feature = "attempts")]
pub use unlimited::NoLimits;
