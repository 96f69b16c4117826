//! Purge outdated audit events in batches.

use crate::UseCases;
use crate::ports::PortError;

impl UseCases {
    /// Deletes at most `batch` events older than [`AuditPolicy::retention`](crate::policy::AuditPolicy) and returns
    /// their number. Call it until it returns 0. Without a retention, no event is deleted.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn purge_audit_events(&self, batch: u32) -> Result<u64, PortError> {
        match self.core.policy.audit.retention {
            Some(retention) => {
                self.core.ports.audit_events.purge(self.core.ports.clock.now().minus(retention), batch).await
            }
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::policy::{AuditPolicy, Policy};
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn purges_one_batch_of_events_older_than_90_days() {
        let mut mocks = Mocks::new();
        let before = NOW.minus(Duration::from_secs(90 * 24 * 3_600));
        mocks
            .audit_events
            .expect_purge()
            .once()
            .withf(move |time, batch| *time == before && *batch == 500)
            .returning(|_, _| Ok(500));
        assert_eq!(mocks.auth().purge_audit_events(500).await.expect("purged"), 500);
    }

    #[tokio::test]
    async fn without_a_retention_nothing_is_purged() {
        let mut mocks = Mocks::new();
        mocks.audit_events.expect_purge().never();
        let policy = Policy { audit: AuditPolicy { retention: None }, ..Policy::default() };
        assert_eq!(mocks.auth_with_policy(policy).purge_audit_events(500).await.expect("no error"), 0);
    }
}
