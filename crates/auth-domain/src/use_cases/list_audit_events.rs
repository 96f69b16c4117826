//! Read the audit trail.

use crate::UseCases;
use crate::model::{AuditFilter, AuditId, AuditRecord};
use crate::ports::PortError;

use super::MAX_PAGE;

impl UseCases {
    /// Returns the first events after number `after`, in ascending order. `limit` is clamped to 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn list_audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        self.core.ports.audit_events.list(filter, after, limit.clamp(1, MAX_PAGE)).await
    }

    /// Returns the last events, in ascending order. `limit` is clamped to 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn latest_audit_events(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        self.core.ports.audit_events.latest(filter, limit.clamp(1, MAX_PAGE)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::use_cases::fixture::Mocks;

    #[tokio::test]
    async fn the_page_size_is_clamped() {
        for (requested, clamped) in [(0, 1), (7, 7), (u32::MAX, MAX_PAGE)] {
            let mut mocks = Mocks::new();
            let list = mocks.audit_events.expect_list().once();
            list.withf(move |_, after, limit| *after == Some(AuditId(5)) && *limit == clamped)
                .returning(|_, _, _| Ok(Vec::new()));
            let latest = mocks.audit_events.expect_latest().once();
            latest.withf(move |_, limit| *limit == clamped).returning(|_, _| Ok(Vec::new()));
            let auth = mocks.auth();
            let all = AuditFilter::default();
            auth.list_audit_events(&all, Some(AuditId(5)), requested).await.expect("listed");
            auth.latest_audit_events(&all, requested).await.expect("listed");
        }
    }
}
