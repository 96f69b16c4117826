//! Stored and imported password hashes: a hash that is too costly to verify is rejected.
#![no_main]

use auth_infra::password::is_verifiable;
use libfuzzer_sys::fuzz_target;

/// The value of a parameter; if it occurs several times, the last one.
fn parameter(stored: &str, name: &str) -> u64 {
    let values = stored.split(['$', ',']).filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    values.filter_map(|value| value.parse().ok()).last().unwrap_or(0)
}

fuzz_target!(|stored: &str| {
    if is_verifiable(stored) && stored.starts_with("$argon2") {
        assert!(parameter(stored, "m") <= 1024 * 1024 && parameter(stored, "t") <= 10);
        assert!(parameter(stored, "p") <= 16);
    }
});
