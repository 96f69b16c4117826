//! The audit trail: who did what, when and from where, and what was denied.

mod aggregator;
mod detail;
mod event;
mod names;

pub use aggregator::AuditAggregator;
pub use detail::{AUDIT_DETAIL_MAX_BYTES, AuditDetail};
pub use event::{AuditEvent, AuditFilter, AuditId, AuditOutcome, AuditPolicy, AuditRecord, MergedEvents};
pub use names::{AuditAction, DenialReason};
