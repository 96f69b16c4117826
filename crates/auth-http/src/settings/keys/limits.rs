//! Settings of the limits on attempts.

use super::{duration, seconds};
use crate::settings::setting::Setting;

pub(super) fn limits() -> [Setting; 7] {
    let attempts = 1..=1_000_000;
    [
        Setting::integer(
            "limits.login_burst",
            "failures",
            attempts.clone(),
            "Failed log-ins from one address, or one IPv6 network of 64 bits, before it has to wait. Right passwords are \
             not counted. A program with an API key may fail a thousand times as often, and register as often.",
            |s| Some(s.policy.attempts.log_ins.burst.to_string()),
            |s, number| s.policy.attempts.log_ins.burst = number,
        ),
        Setting::integer(
            "limits.login_per_minute",
            "failures",
            attempts.clone(),
            "Failed log-ins a minute from an address that has used up its burst.",
            |s| Some(s.policy.attempts.log_ins.quota.to_string()),
            |s, number| s.policy.attempts.log_ins.quota = number,
        ),
        Setting::integer(
            "limits.registration_burst",
            "registrations",
            attempts.clone(),
            "Registrations from one address before it has to wait.",
            |s| Some(s.policy.attempts.registrations.burst.to_string()),
            |s, number| s.policy.attempts.registrations.burst = number,
        ),
        Setting::integer(
            "limits.registration_per_minute",
            "registrations",
            attempts.clone(),
            "Registrations a minute from an address that has used up its burst.",
            |s| Some(s.policy.attempts.registrations.quota.to_string()),
            |s, number| s.policy.attempts.registrations.quota = number,
        ),
        Setting::integer(
            "limits.refresh_per_5_minutes",
            "failures",
            attempts,
            "Failed refreshes from one address in five minutes, all at once or not.",
            |s| Some(s.policy.attempts.refreshes.quota.to_string()),
            |s, number| {
                s.policy.attempts.refreshes.burst = number;
                s.policy.attempts.refreshes.quota = number;
            },
        ),
        Setting::integer(
            "limits.account_free",
            "failures",
            1..=50,
            "Failed log-ins of one account in a row that cost nothing. After each further one it waits: 1, 2, 4 .. \
             seconds. A hundred in a row is the most, whatever this says.",
            |s| Some(s.policy.attempts.account.free_failures.to_string()),
            |s, number| s.policy.attempts.account.free_failures = number,
        ),
        Setting::integer(
            "limits.account_longest_wait_seconds",
            "seconds",
            1..=86_400,
            "The longest that an account waits after a failed log-in. An owner who comes from an address that they \
             logged in from before does not wait for the failures of others.",
            |s| Some(seconds(s.policy.attempts.account.max_wait)),
            |s, number| s.policy.attempts.account.max_wait = duration(number),
        ),
    ]
}
