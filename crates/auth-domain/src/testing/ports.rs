//! Ports over everything in this module, with a handle to each.

use std::sync::Arc;

use super::{FixedClock, MemoryAttempts, MemoryStore, PlainHasher, PlainTokens, SeededRandom};
use crate::policy::Policy;
use crate::{Auth, Ports};

/// A whole world for a test: ports, and a handle to what stands behind each.
#[derive(Clone, Debug, Default)]
pub struct TestPorts {
    /// The users, sessions, API keys and audit events.
    pub store: Arc<MemoryStore>,
    /// The counters of attempts.
    pub attempts: Arc<MemoryAttempts>,
    /// The password hashing.
    pub hasher: Arc<PlainHasher>,
    /// The access tokens.
    pub tokens: Arc<PlainTokens>,
    /// The time.
    pub clock: Arc<FixedClock>,
    /// Chance.
    pub random: Arc<SeededRandom>,
}

impl TestPorts {
    /// An empty world: nobody has registered, the clock stands at its default and chance is at its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The ports to this world.
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
        }
    }

    /// Every use case over this world, under the default policy.
    #[must_use]
    pub fn auth(&self) -> Auth {
        self.auth_under(Policy::default())
    }

    /// Every use case over this world, under `policy`.
    #[must_use]
    pub fn auth_under(&self, policy: Policy) -> Auth {
        Auth::new(self.ports(), policy)
    }
}

/// Ports to an empty world, for a test that needs no handle to it.
#[must_use]
pub fn ports() -> Ports {
    TestPorts::new().ports()
}
