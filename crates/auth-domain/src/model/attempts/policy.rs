//! How often somebody may guess a password, register, or refresh in vain.

use std::time::Duration;

/// Limits on attempts.
///
/// Places, which are addresses or API keys, are limited by [`Rate`]s; accounts by an [`AccountPolicy`]. An attempt to
/// log in needs leave of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPolicy {
    /// Failed log-ins from one address. Default: 30 at once, then 30 a minute. A right password costs nothing, so that
    /// an office behind one address can work.
    pub log_ins: Rate,
    /// Registrations from one address. Default: 100 at once, then 60 a minute.
    pub registrations: Rate,
    /// Failed refreshes from one address. Default: 150 at once, then 150 in 5 minutes.
    pub refreshes: Rate,
    /// By how much more is open to a program that has shown an API key than to an address: it carries the traffic of
    /// all its users. Default: 1,000, which is there to stop a key that got into wrong hands, and throttles no backend.
    pub api_key_factor: u32,
    /// Failed log-ins of one account.
    pub account: AccountPolicy,
    /// How long the place that is kept for a guess under way stays kept if nobody says what came of it, because the
    /// process died or the client went away. It counts as a failure then: an answer that nobody waited for is no way
    /// to guess for free. Longer than a request can take. Default: 10 seconds.
    pub reservation: Duration,
}

impl Default for AttemptPolicy {
    fn default() -> Self {
        Self {
            log_ins: Rate { burst: 30, quota: 30, window: Duration::from_secs(60) },
            registrations: Rate { burst: 100, quota: 60, window: Duration::from_secs(60) },
            refreshes: Rate { burst: 150, quota: 150, window: Duration::from_secs(300) },
            api_key_factor: 1_000,
            account: AccountPolicy::default(),
            reservation: Duration::from_secs(10),
        }
    }
}

/// So many at once, and then so many in each window of time: a bucket of tokens that is filled up evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The most at once; at least 1 is taken for it.
    pub burst: u32,
    /// How many more there are in each window; at least 1 is taken for it.
    pub quota: u32,
    /// The window.
    pub window: Duration,
}

impl Rate {
    /// After how long there is another one. At least a microsecond.
    #[must_use]
    pub fn interval(&self) -> Duration {
        (self.window / self.quota.max(1)).max(Duration::from_micros(1))
    }

    /// The rate of somebody who may do `factor` times as much.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { burst: self.burst.saturating_mul(factor), quota: self.quota.saturating_mul(factor), ..self }
    }
}

/// How often the password of one account may be guessed in a row.
///
/// NIST SP 800-63B-4, section 3.2.2, asks for at most 100 failures in a row on one account, recommends waits that grow,
/// and allows telling an owner from a guesser by the addresses that the owner logged in from before, so that nobody can
/// lock an owner out by guessing. So:
///
/// - The first [`free_failures`](Self::free_failures) failures cost nothing. After each further one the account waits: 1, 2, 4 .. seconds,
///   [`max_wait`](Self::max_wait) at the most.
/// - A place from which the owner has logged in is *known* to the account. A guess from there is admitted whatever the
///   account waits for, until [`max_known_caller_failures`](Self::max_known_caller_failures) have failed that came from there; from then on
///   it is treated as any other. All its failures count for the account, too.
/// - An account has at most [`max_known_callers`](Self::max_known_callers), the newest. What they may add stays free for them:
///   other guesses end at [`max_failures`](Self::max_failures) less that, so that no more than `most` fail in a row, wherever they came
///   from.
/// - A right password forgets every failure, and makes the place that it came from known.
/// - A day without a failure forgets them, too ([`failure_retention`](Self::failure_retention)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Failures in a row that cost nothing. Default: 5.
    pub free_failures: u32,
    /// The wait after one failure more; each further one doubles it. Default: 1 second.
    pub first_wait: Duration,
    /// The longest wait. Default: 900 seconds.
    pub max_wait: Duration,
    /// The most failures in a row. Default: 100.
    pub max_failures: u32,
    /// How many places an account knows. Default: 10.
    pub max_known_callers: u32,
    /// How many failures a known place may add to those of everybody else. Default: 5.
    pub max_known_caller_failures: u32,
    /// After this long without one, failures are forgotten. Default: 24 hours.
    pub failure_retention: Duration,
    /// A place from which nobody logged in for this long is known no longer. Default: 90 days.
    pub known_caller_retention: Duration,
}

impl AccountPolicy {
    /// How many failures in a row may come from places that the account does not know. Default: 50.
    #[must_use]
    pub fn max_unknown_failures(&self) -> u32 {
        let kept = self.max_known_callers.saturating_mul(self.max_known_caller_failures);
        self.max_failures.saturating_sub(kept).max(self.free_failures)
    }

    /// How long an account waits after so many failures in a row: nothing below [`free_failures`](Self::free_failures), then
    /// [`first_wait`](Self::first_wait), doubled for each further one.
    #[must_use]
    pub fn wait_after(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free_failures) else { return Duration::ZERO };
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first_wait.saturating_mul(factor).min(self.max_wait)
    }
}

impl Default for AccountPolicy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            free_failures: 5,
            first_wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(900),
            max_failures: 100,
            max_known_callers: 10,
            max_known_caller_failures: 5,
            failure_retention: DAY,
            known_caller_retention: DAY * 90,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let policy = AccountPolicy::default();
        let waits: Vec<_> = (3..17).map(|failures| policy.wait_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(policy.wait_after(u32::MAX).as_secs(), 900);
    }

    #[test]
    fn what_known_places_may_add_is_kept_free_for_them() {
        let policy = AccountPolicy::default();
        let from_known = policy.max_known_callers * policy.max_known_caller_failures;
        assert_eq!(policy.max_unknown_failures() + from_known, 100);
    }

    #[test]
    fn a_rate_of_nothing_is_no_division_by_zero() {
        let none = Rate { burst: 0, quota: 0, window: Duration::from_secs(60) };
        assert_eq!(none.interval(), Duration::from_secs(60));
        let many = Rate { burst: u32::MAX, quota: u32::MAX, window: Duration::ZERO };
        assert_eq!(many.times(2).interval(), Duration::from_micros(1));
    }
}
