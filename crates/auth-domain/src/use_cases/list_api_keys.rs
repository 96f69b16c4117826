//! List API keys.

use crate::UseCases;
use crate::model::ApiKey;
use crate::ports::PortError;

impl UseCases {
    /// Returns all API keys without their secrets, oldest first, including revoked and expired keys.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn list_api_keys(&self) -> Result<Vec<ApiKey>, PortError> {
        self.core.ports.api_keys.list().await
    }
}

#[cfg(test)]
mod tests {
    use crate::use_cases::fixture::{Mocks, unavailable};

    #[tokio::test]
    async fn a_store_error_is_not_an_empty_list() {
        let mut mocks = Mocks::new();
        mocks.api_keys.expect_list().once().returning(|| Err(unavailable()));
        assert!(mocks.auth().list_api_keys().await.is_err());
    }
}
