//! The audit trail on its way: each event is a line of the log at once, and reaches the store in a batch.
//!
//! See `docs/adr/0008-store-audit-events-in-batches.md` for why it is not stored in the transaction of what it tells of.

mod line;
mod queue;
mod writer;

pub use queue::AuditQueue;
