//! All ports over the in-memory adapters.

use std::sync::Arc;

use super::{FixedClock, ManualTimer, MemoryAttempts, MemoryStore, PlainHasher, PlainTokens, SeededRandom};
use crate::policy::Policy;
use crate::{Auth, Ports};

/// In-memory adapters for all ports. The fields give a test access to each adapter.
#[derive(Clone, Debug, Default)]
pub struct TestPorts {
    /// The users, sessions, API keys and audit events.
    pub store: Arc<MemoryStore>,
    /// The attempt limiter.
    pub attempts: Arc<MemoryAttempts>,
    /// The password hasher.
    pub hasher: Arc<PlainHasher>,
    /// The access token codec.
    pub tokens: Arc<PlainTokens>,
    /// The clock.
    pub clock: Arc<FixedClock>,
    /// The source of randomness.
    pub random: Arc<SeededRandom>,
    /// The timer that bounds extensions.
    pub timer: Arc<ManualTimer>,
}

impl TestPorts {
    /// Creates an empty store, a clock at its default time and randomness with the seed zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The ports over these adapters.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports {
            users: self.store.clone(),
            sessions: self.store.clone(),
            revocations: self.store.clone(),
            api_keys: self.store.clone(),
            audit: self.store.clone(),
            audit_events: self.store.clone(),
            attempts: self.attempts.clone(),
            hasher: self.hasher.clone(),
            tokens: self.tokens.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            timer: self.timer.clone(),
        }
    }

    /// The service over these adapters, with the default policy.
    #[must_use]
    pub fn auth(&self) -> Auth {
        self.auth_under(Policy::default())
    }

    /// The service over these adapters, with `policy`.
    #[must_use]
    pub fn auth_under(&self, policy: Policy) -> Auth {
        Auth::new(self.ports(), policy)
    }
}

/// The ports over new in-memory adapters, for a test that does not access the adapters.
#[must_use]
pub fn ports() -> Ports {
    TestPorts::new().ports()
}
