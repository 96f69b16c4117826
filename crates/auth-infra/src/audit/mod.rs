//! The queue of audit events: each event is logged at once and reaches the store in a batch.
//!
//! See `docs/adr/0008-store-audit-events-in-batches.md` for why an event is not stored in the transaction that it describes.

mod backlog;
mod queue;
mod writer;

pub use queue::AuditQueue;
