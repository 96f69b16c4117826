//! The audit trail in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::model::{AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};
use crate::ports::{AuditLog, AuditRepository, PortError};

impl MemoryStore {
    /// All stored events, oldest first, even while the store is unavailable.
    pub fn audit_events(&self) -> Vec<AuditEvent> {
        self.lock().audit.iter().map(|record| record.event.clone()).collect()
    }
}

/// Stores an event immediately.
impl AuditLog for MemoryStore {
    fn record(&self, event: AuditEvent) {
        if event.is_kept() {
            self.lock().append(&[event]);
        }
    }
}

#[async_trait]
impl AuditRepository for MemoryStore {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        self.state()?.append(events);
        Ok(())
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        let state = self.state()?;
        let later = state.audit.iter().filter(|record| Some(record.id) > after);
        Ok(later.filter(|record| filter.matches(&record.event)).take(limit as usize).cloned().collect())
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        let state = self.state()?;
        let latest = state.audit.iter().rev().filter(|record| filter.matches(&record.event));
        let mut latest: Vec<_> = latest.take(limit as usize).cloned().collect();
        latest.reverse();
        Ok(latest)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        let mut purged = 0;
        self.state()?.audit.retain(|record| {
            let stays = record.event.at >= before || purged >= u64::from(limit);
            purged += u64::from(!stays);
            stays
        });
        Ok(purged)
    }
}
