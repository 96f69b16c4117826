//! Purge expired counters of attempts in batches.

use crate::UseCases;
use crate::ports::PortError;

impl UseCases {
    /// Deletes at most `batch` expired counters and returns their number. Call it until it returns 0.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn purge_attempts(&self, batch: u32) -> Result<u64, PortError> {
        self.core.ports.attempts.purge(self.core.ports.clock.now(), batch).await
    }
}

#[cfg(test)]
mod tests {
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW};

    #[tokio::test]
    async fn purges_one_batch_as_of_now() {
        let mut attempts = MockAttemptLimiter::new();
        attempts
            .expect_purge()
            .once()
            .withf(|now, batch| *now == NOW && *batch == 500)
            .returning(|_, _| Ok(500));
        let mocks = Mocks { attempts, ..Mocks::new() };
        assert_eq!(mocks.auth().purge_attempts(500).await.expect("purged"), 500);
    }
}
