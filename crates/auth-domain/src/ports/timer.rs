//! The port to the passing of time.

use std::time::Duration;

use async_trait::async_trait;

/// Waits. It bounds the calls of extensions: [`ClaimsSource`](super::ClaimsSource), [`PasswordRule`](super::PasswordRule) and
/// [`Hooks`](super::Hooks). A service without extensions never waits.
///
/// The wait ends when `duration` has passed, and not before. It does not depend on [`Clock`](super::Clock), whose time may step.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Timer: Send + Sync {
    /// Completes after `duration`.
    async fn sleep(&self, duration: Duration);
}
