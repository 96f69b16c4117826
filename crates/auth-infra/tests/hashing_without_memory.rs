//! A stored hash that needs more memory than is available fails its own verification only.
#![cfg(feature = "argon2")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use auth_domain::model::{Password, PasswordAttempt, PasswordHash};
use auth_domain::ports::{PasswordHasher, PasswordVerdict, PortError};
use auth_domain::testing::SeededRandom;
use auth_infra::password::{Argon2Hasher, HashingSettings};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A hash that needs 1 GiB, the largest size that is verified.
const GREATEST: &str =
    "$argon2id$v=19$m=1048576,t=1,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

/// The virtual memory of this process, in bytes.
fn virtual_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a size");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1_024
}

/// The only test of this file, because the limit applies to the whole process.
#[tokio::test]
async fn hash_beyond_the_memory_limit_is_an_error_not_an_abort() {
    let settings = HashingSettings { memory_budget_kib: 1_048_576, ..HashingSettings::default() };
    let hasher = Argon2Hasher::start(&settings, Arc::new(SeededRandom::default()));
    let hasher = hasher.expect("a hasher");
    let limit =
        Rlimit { current: Some(virtual_memory() + (512 << 20)), maximum: getrlimit(Resource::As).maximum };
    setrlimit(Resource::As, limit).expect("a limit");

    let attempt = PasswordAttempt::new("P@ssw0rd!");
    let greatest = PasswordHash::new(GREATEST.to_owned());
    for _ in 0..2 {
        let verdict = hasher.verify(&attempt, Some(&greatest), None).await;
        assert!(matches!(verdict, Err(PortError::Unavailable(_))), "{verdict:?}");
    }

    let password = Password::parse("P@ssw0rd!").expect("a password");
    let stored = hasher.hash(&password, None).await.expect("a hash");
    let verdict = hasher.verify(&attempt, Some(&stored), None).await;
    assert!(matches!(verdict, Ok(PasswordVerdict::Matches)), "{verdict:?}");
}
