//! Stored and imported password hashes: a hash that is too costly to verify is rejected.
#![no_main]

use std::time::Duration;

use auth_infra::password::verification_cost;
use libfuzzer_sys::fuzz_target;

/// The nominal time of the costliest accepted hash: Argon2 with 10 passes over 1 GiB.
const MAX_TIME: Duration = Duration::from_secs(4);
const MAX_MEMORY: u64 = 1 << 30;

/// The value of a parameter; if it occurs several times, the last one.
fn parameter(stored: &str, name: &str) -> u64 {
    let values = stored.split(['$', ',']).filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    values.filter_map(|value| value.parse().ok()).last().unwrap_or(0)
}

fuzz_target!(|stored: &str| {
    let Some((time, memory)) = verification_cost(stored) else { return };
    assert!(time <= MAX_TIME && memory <= MAX_MEMORY, "{time:?}, {memory} bytes");
    if stored.starts_with("$argon2") {
        assert!(parameter(stored, "m") <= 1024 * 1024 && parameter(stored, "t") <= 10);
        assert!(parameter(stored, "p") <= 16);
    }
});
