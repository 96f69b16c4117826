//! The source of randomness.

/// Produces unpredictable bytes.
///
/// The trait is a port, re-exported by [`ports`](crate::ports). It is defined below the model, because secrets and ids
/// are generated from it.
///
/// - MUST fill every byte from a cryptographically secure source.
/// - MUST panic instead of returning when the source fails.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}
