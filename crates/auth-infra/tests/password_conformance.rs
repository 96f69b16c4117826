//! Runs the conformance suite against the Argon2 hasher with its production parameters.
#![cfg(feature = "argon2")]
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use auth_domain::ports::PasswordHasher;
use auth_domain::testing::SeededRandom;
use auth_infra::password::{Argon2Hasher, HashingSettings};

fn hasher() -> Arc<dyn PasswordHasher> {
    let random = Arc::new(SeededRandom::default());
    Arc::new(Argon2Hasher::start(&HashingSettings::default(), random).expect("a hasher"))
}

auth_domain::conformance_tests! { password_hasher: || async { hasher() } }
