//! The audit trail: who did what, when and from where, and what was denied.

mod detail;
mod event;
mod names;

pub use detail::{AUDIT_DETAIL_MAX_BYTES, AuditDetail};
pub use event::{AuditEvent, AuditFilter, AuditId, AuditOutcome, AuditPolicy, AuditRecord};
pub use names::{AuditAction, DenialReason};
