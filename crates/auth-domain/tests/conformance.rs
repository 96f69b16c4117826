//! Runs the conformance suite against the in-memory adapters.

use std::sync::Arc;

use auth_domain::conformance::AccessTokenCodecs;
use auth_domain::testing::{FixedClock, MemoryAttempts, MemoryStore, PlainHasher, PlainTokens, SeededRandom};

auth_domain::conformance_tests! { stores: async || MemoryStore::new() }
auth_domain::conformance_tests! { password_hasher: async || Arc::new(PlainHasher::new()) }
auth_domain::conformance_tests! { attempt_limiter: async || Arc::new(MemoryAttempts::new()) }
auth_domain::conformance_tests! { audit_log: async || Arc::new(MemoryStore::new()) }
auth_domain::conformance_tests! { clock: async || Arc::new(FixedClock::default()) }
auth_domain::conformance_tests! { secure_random: async || Arc::new(SeededRandom::new(1)) }
auth_domain::conformance_tests! {
    access_token_codec: async || AccessTokenCodecs {
        codec: Arc::new(PlainTokens::default()),
        foreign: vec![Arc::new(PlainTokens::issued_by("foreign"))],
    }
}
