//! Attempt counters in memory for one node, and an implementation without limits. The counters of several nodes are on
//! [PostgreSQL](crate::postgres).

#[cfg(feature = "attempts")]
mod memory;
#[cfg(feature = "attempts")]
mod unlimited;

use std::future::Future;
use std::time::Duration;

use auth_domain::model::{Guess, GuessVerdict, Timestamp};
use auth_domain::ports::{AdmitOutcome, PortError};
use tokio::time::{Instant, sleep};

#[cfg(feature = "attempts")]
pub use memory::MemoryAttempts;
#[cfg(feature = "attempts")]
pub use unlimited::NoLimits;

/// How long a guess waits for other guesses.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The delay before a guess is judged again: about the time of a hash. It doubles up to the maximum.
const FIRST_DELAY: Duration = Duration::from_millis(10);
const MAX_DELAY: Duration = Duration::from_millis(160);

/// Judges a guess that was made at `begun`, and judges it again while its verdict depends on concurrent guesses.
///
/// # Errors
/// [`PortError::Overloaded`] after [`TIMEOUT`].
pub(crate) async fn wait_for_verdict<F>(
    guess: &Guess,
    begun: Instant,
    judge: impl Fn(Timestamp) -> F,
) -> Result<AdmitOutcome, PortError>
where
    F: Future<Output = Result<GuessVerdict, PortError>>,
{
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_DELAY);
    loop {
        match judge(guess.now.plus(waited)).await? {
            GuessVerdict::Admit(reservation) => return Ok(AdmitOutcome::Admitted(reservation)),
            GuessVerdict::Throttle(throttled) => return Ok(AdmitOutcome::Throttled(throttled)),
            GuessVerdict::Wait if begun.elapsed() + pause > TIMEOUT => return Err(PortError::Overloaded),
            GuessVerdict::Wait => sleep(pause).await,
        }
        waited = begun.elapsed();
        pause = MAX_DELAY.min(pause * 2);
    }
}
