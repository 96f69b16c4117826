//! Not measured yet.

use anyhow::Result;

use crate::bench::Bench;
use crate::measure::Measured;

/// Measures.
///
/// # Errors
/// When something is not as it should be.
#[expect(clippy::unused_async, reason = "it will be")]
pub async fn measure(_: &Bench) -> Result<Vec<Measured>> {
    Ok(Vec::new())
}
