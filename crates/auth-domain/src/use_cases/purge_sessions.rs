//! Purge sessions that are over in batches.

use crate::UseCases;
use crate::ports::PortError;

impl UseCases {
    /// Deletes at most `batch` sessions that are over and at most `batch` of their credentials, and returns the total.
    /// Call it until it returns 0.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn purge_sessions(&self, batch: u32) -> Result<u64, PortError> {
        self.core.ports.sessions.purge(self.core.ports.clock.now(), &self.core.policy.session, batch).await
    }
}

#[cfg(test)]
mod tests {
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn purges_one_batch_as_of_now() {
        let mut mocks = Mocks::new();
        mocks
            .sessions
            .expect_purge()
            .once()
            .withf(|now, _, batch| *now == NOW && *batch == 500)
            .returning(|_, _, _| Ok(500));
        assert_eq!(mocks.auth().purge_sessions(500).await.expect("purged"), 500);
    }
}
