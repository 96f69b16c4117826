//! The audit trail in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::model::{AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};
use crate::ports::{AuditLog, AuditRepository, PortError};

impl MemoryStore {
    /// All events, oldest first, even while the store is unavailable.
    pub fn audit_events(&self) -> Vec<AuditEvent> {
        let mut state = self.lock();
        state.append_repeats();
        state.audit.iter().map(|record| record.event.clone()).collect()
    }
}

/// Stores an event immediately, or merges it. Nothing runs when a minute is over, so a reader ends the minute instead.
impl AuditLog for MemoryStore {
    fn record(&self, event: AuditEvent) {
        let mut state = self.lock();
        let due = state.aggregator.add(event);
        state.append(&due);
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
        let mut state = self.state()?;
        state.append_repeats();
        let later = state.audit.iter().filter(|record| Some(record.id) > after);
        Ok(later.filter(|record| filter.matches(&record.event)).take(limit as usize).cloned().collect())
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        let mut state = self.state()?;
        state.append_repeats();
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
