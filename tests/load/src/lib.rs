//! The benchmark: the throughput of the service compared with what the machine could do at most, measured in interleaved
//! pairs on the same cores.
#![expect(clippy::print_stderr, reason = "it says how far it is")]

pub mod bench;
pub mod big_store;
pub mod client;
pub mod cluster;
pub mod cores;
pub mod limits;
pub mod machine;
pub mod measure;
pub mod measures;
pub mod parts;
pub mod process;
pub mod recording;
pub mod report;
pub mod run;
pub mod session_pool;
pub mod sessions;
pub mod statements;
pub mod token_maker;
