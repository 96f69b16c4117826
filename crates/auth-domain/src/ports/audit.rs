//! The ports to the audit trail: one that takes events as they happen, one to where they are kept.

use async_trait::async_trait;

use super::PortError;
use crate::model::{AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};

/// Takes events as they happen. What it does with them is no business of whoever asked for what happened: that has
/// been decided, and is answered whatever becomes of the event.
///
/// - MUST neither fail nor wait.
/// - MUST see to it that an event that [is kept](AuditEvent::is_kept) reaches an [`AuditRepository`], in the order of the
///   calls, and that no other does.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AuditLog: Send + Sync {
    /// Records an event.
    fn record(&self, event: AuditEvent);
}

/// Keeps events. Each method is one transaction: it happens whole or not at all.
///
/// - MUST give back every member of an event as it was appended, whatever becomes of the user, the session and the API
///   key that it names.
/// - MUST number events upwards in the order in which they can be seen, those of one call in their order: whoever lists
///   on from the last event they have seen misses none, even while others append. A number is given once, even when
///   its event is purged.
/// - MUST list in ascending order, not more than the limit, and exactly what [`AuditFilter::matches`].
/// - MUST purge only events from before the given time, and not more than the limit.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Appends events.
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError>;

    /// The first `limit` events after the one of this number.
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError>;

    /// The last `limit` events.
    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError>;

    /// Deletes at most `limit` events from before this time; how many.
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError>;
}
