//! Attempt counters in memory for one node, and an implementation without limits. The counters of several nodes are on
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
