//! Password hashes as they are stored or imported: read, and never so costly that verifying one would stop the service.
#![no_main]

use auth_infra::password::is_verifiable;
use libfuzzer_sys::fuzz_target;

/// The parameter of this name; of several the last one counts.
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
