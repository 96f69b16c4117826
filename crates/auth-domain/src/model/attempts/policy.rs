//! The limits on password guesses, registrations and failed refreshes.

use std::time::Duration;

/// The limits on attempts.
///
/// A [`Rate`] limits each caller, which is an API key or an address. An [`AccountPolicy`] limits each account. A login
/// must be within both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptPolicy {
    /// Failed logins per address. Default: a burst of 30, then 30 per minute. A correct password is not counted, so
    /// that many users can share one office address.
    pub log_ins: Rate,
    /// Registrations per address. Default: a burst of 100, then 60 per minute.
    pub registrations: Rate,
    /// Failed refreshes per address. Default: a burst of 150, then 150 per 5 minutes.
    pub refreshes: Rate,
    /// The factor by which the rates of an API key exceed those of an address, because a program carries the traffic of
    /// all its users. Default: 1,000. This stops a stolen key without throttling a backend.
    pub api_key_factor: u32,
    /// Failed logins per account.
    pub account: AccountPolicy,
    /// The lifetime of a reservation that is never settled, because the process died or the client disconnected. It
    /// then counts as a failure, so that abandoning the response is not a way to guess for free. It must exceed the
    /// longest request. Default: 10 seconds.
    pub reservation: Duration,
    /// The least time from a password attempt to the answer that it was throttled. The caller of the use cases MUST wait
    /// for it. An attempt of a known caller may have cost a hash, and the time must not reveal that. It must therefore
    /// exceed the time of a hash and of the queue in front of it. Default: 250 milliseconds.
    pub refusal_time: Duration,
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
            refusal_time: Duration::from_millis(250),
        }
    }
}

/// A token bucket: a burst, then a quota per window, refilled evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The capacity of the bucket. 0 is treated as 1.
    pub burst: u32,
    /// The tokens added per window. 0 is treated as 1.
    pub quota: u32,
    /// The duration in which `quota` tokens are added.
    pub window: Duration,
}

impl Rate {
    /// Returns the time in which one token is added, at least one microsecond.
    #[must_use]
    pub fn interval(&self) -> Duration {
        (self.window / self.quota.max(1)).max(Duration::from_micros(1))
    }

    /// Returns the rate multiplied by `factor`.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { burst: self.burst.saturating_mul(factor), quota: self.quota.saturating_mul(factor), ..self }
    }
}

/// The limit on consecutive password failures of one account.
///
/// NIST SP 800-63B-4, section 3.2.2, requires at most 100 consecutive failures per account and recommends growing
/// waits. It permits distinguishing the owner from an attacker by addresses of earlier logins, so that an attacker
/// cannot lock the owner out. The rules:
///
/// - The first [`free_failures`](Self::free_failures) have no effect. After each further failure the account waits: 1,
///   2, 4 .. seconds, up to [`max_wait`](Self::max_wait).
/// - A caller from which the owner has logged in is *known* to the account. A guess of it that the other rules refuse is
///   admitted *on trust*, up to [`max_known_caller_failures`](Self::max_known_caller_failures) failures; after that the
///   caller is treated as unknown.
/// - A failure on trust is invisible. It counts for the known caller only, and the answer is that of an unknown caller.
///   A wrong password therefore does not tell which callers an account knows.
/// - An account knows at most [`max_known_callers`](Self::max_known_callers), the most recent ones. Their failures are
///   reserved: other callers stop at [`max_failures`](Self::max_failures) less that reserve. The total therefore never
///   exceeds `max_failures`.
/// - A correct password resets all failures and makes its caller known.
/// - [`failure_retention`](Self::failure_retention) without a failure resets them as well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPolicy {
    /// Consecutive failures without a wait. Default: 5.
    pub free_failures: u32,
    /// The wait after the next failure; each further failure doubles it. Default: 1 second.
    pub first_wait: Duration,
    /// The maximum wait. Default: 900 seconds.
    pub max_wait: Duration,
    /// The maximum of consecutive failures. Default: 100.
    pub max_failures: u32,
    /// The maximum of known callers per account. Default: 10.
    pub max_known_callers: u32,
    /// The failures after which a known caller is treated as unknown. Default: 5.
    pub max_known_caller_failures: u32,
    /// The time without a failure after which failures are reset. Default: 24 hours.
    pub failure_retention: Duration,
    /// The time without a login after which a known caller is forgotten. Default: 90 days.
    pub known_caller_retention: Duration,
}

impl AccountPolicy {
    /// Returns the maximum of consecutive failures from unknown callers. Default: 50.
    #[must_use]
    pub fn max_unknown_failures(&self) -> u32 {
        let kept = self.max_known_callers.saturating_mul(self.max_known_caller_failures);
        self.max_failures.saturating_sub(kept).max(self.free_failures)
    }

    /// Returns the wait after `failures` consecutive failures: none below [`free_failures`](Self::free_failures), then
    /// [`first_wait`](Self::first_wait), doubled for each further failure.
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
    fn waits_double_up_to_15_minutes() {
        let policy = AccountPolicy::default();
        let waits: Vec<_> = (3..17).map(|failures| policy.wait_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(policy.wait_after(u32::MAX).as_secs(), 900);
    }

    #[test]
    fn failures_of_known_callers_are_reserved() {
        let policy = AccountPolicy::default();
        let from_known = policy.max_known_callers * policy.max_known_caller_failures;
        assert_eq!(policy.max_unknown_failures() + from_known, 100);
    }

    #[test]
    fn a_zero_rate_does_not_divide_by_zero() {
        let none = Rate { burst: 0, quota: 0, window: Duration::from_secs(60) };
        assert_eq!(none.interval(), Duration::from_secs(60));
        let many = Rate { burst: u32::MAX, quota: u32::MAX, window: Duration::ZERO };
        assert_eq!(many.times(2).interval(), Duration::from_micros(1));
    }
}
