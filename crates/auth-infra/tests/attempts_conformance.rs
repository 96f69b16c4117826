//! The counters in memory keep the contract of their port.
#![cfg(feature = "attempts")]

use std::sync::Arc;

use auth_infra::attempts::MemoryAttempts;

auth_domain::conformance_tests! { attempt_limiter: async || Arc::new(MemoryAttempts::new()) }
