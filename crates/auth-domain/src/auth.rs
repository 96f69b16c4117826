//! The face of the crate: everything a program needs to ask of it.

use std::sync::Arc;

use crate::model::{Caller, Identifiers, InvalidPassword, Password};
use crate::policy::Policy;
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, AttemptLimiter, AuditLog, AuditRepository, Clock, PasswordHasher,
    RevocationFeed, SecureRandom, SessionRepository, UserRepository,
};

/// What the use cases reach the world through. Forgetting one does not compile.
#[derive(Clone)]
pub struct Ports {
    /// The stored users.
    pub users: Arc<dyn UserRepository>,
    /// The stored sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// What is known of sessions that have ended.
    pub revocations: Arc<dyn RevocationFeed>,
    /// The stored API keys.
    pub api_keys: Arc<dyn ApiKeyRepository>,
    /// Where what happens is recorded.
    pub audit: Arc<dyn AuditLog>,
    /// The events that were recorded.
    pub audit_events: Arc<dyn AuditRepository>,
    /// The counters of attempts.
    pub attempts: Arc<dyn AttemptLimiter>,
    /// Password hashing.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signed access tokens.
    pub tokens: Arc<dyn AccessTokenCodec>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn SecureRandom>,
}

/// Every use case, over some ports and under one policy. Each is a method; each stands in a file of its own under
/// [`use_cases`](crate::use_cases). Cloning it is cheap.
#[derive(Clone)]
pub struct Auth {
    pub(crate) ports: Arc<Ports>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) caller: Caller,
}

impl Auth {
    /// The use cases over `ports` under `policy`, asked on nobody's behalf.
    #[must_use]
    pub fn new(ports: Ports, policy: Policy) -> Self {
        Self { ports: Arc::new(ports), policy: Arc::new(policy), caller: Caller::default() }
    }

    /// The same use cases, asked on behalf of `caller`.
    #[must_use]
    pub fn called_by(&self, caller: Caller) -> Self {
        Self { ports: Arc::clone(&self.ports), policy: Arc::clone(&self.policy), caller }
    }

    /// Whether the policy lets somebody with these names set this password.
    pub(crate) fn judge_password(
        &self,
        password: &Password,
        names: &Identifiers,
    ) -> Result<(), InvalidPassword> {
        self.policy.blocklist.as_ref().map_or(Ok(()), |blocklist| blocklist.judge(password, names))
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("policy", &self.policy)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}
