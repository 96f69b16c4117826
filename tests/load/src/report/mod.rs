//! What is told of what was measured.

use anyhow::Result;

use crate::measure::Measured;

/// x
#[must_use]
pub fn table(measured: &[Measured]) -> String {
    format!("{measured:#?}")
}

/// x
///
/// # Errors
/// x
pub fn write() -> Result<()> {
    Ok(())
}
