//! The ports to the audit trail: one receives events, the other stores them.

use async_trait::async_trait;

use super::PortError;
use crate::model::{AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};

/// Receives events as they happen.
///
/// The decision that an event describes has already been made. It is answered regardless of whether the event is
/// stored.
///
/// - MUST neither fail nor block.
/// - MUST deliver what [`AuditAggregator`](crate::model::AuditAggregator) returns to an [`AuditRepository`], in that order, and no other event. It
///   therefore bounds what a caller can store per minute.
/// - MUST deliver merged events soon after their minute is over, without waiting for another event, and when it is
///   closed. The [counts](AuditEvent::count) of all delivered events add up to the number of recorded events that [are
///   kept](AuditEvent::is_kept).
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AuditLog: Send + Sync {
    /// Records an event.
    fn record(&self, event: AuditEvent);
}

/// Stores events. Each method is one transaction.
///
/// - MUST return every member of an event as it was appended, even after its user, session or API key was deleted.
/// - MUST number events in ascending order of their visibility, and the events of one call in their order. A reader
///   that continues after the last event it has seen MUST NOT miss one, even during concurrent appends. A number MUST
///   NOT be assigned twice, even if its event is purged.
/// - MUST list in ascending order, at most `limit` events, and exactly those that [`AuditFilter::matches`].
/// - MUST purge only events before the given time, and at most `limit`. The time of a merged event is [`AuditEvent::at`].
/// - MUST store events durably before the call returns: a program that is started again reads them.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Appends events.
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError>;

    /// Returns the first `limit` events after number `after`.
    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError>;

    /// Returns the last `limit` events.
    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError>;

    /// Deletes at most `limit` events before this time and returns their number.
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError>;
}
