//! Runs the conformance suite against the in-memory attempt limiter.
#![cfg(feature = "attempts")]

use std::sync::Arc;

use auth_infra::attempts::MemoryAttempts;

auth_domain::conformance_tests! { attempt_limiter: async || Arc::new(MemoryAttempts::new()) }
