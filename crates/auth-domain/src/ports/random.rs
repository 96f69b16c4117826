//! The port to chance.

/// Makes randomness that nobody can guess.
///
/// - MUST fill every byte from a cryptographically secure source.
/// - MUST NOT return without having done so: an adapter whose source fails panics.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}
