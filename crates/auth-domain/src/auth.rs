//! The face of the crate: everything a program needs to ask of it.

use std::sync::Arc;

use crate::model::{Identifiers, Password, RejectedPassword};
use crate::policy::Policy;
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, Clock, PasswordHasher, SecureRandom, SessionRepository,
    UserRepository,
};

/// What the use cases reach the world through. Forgetting one does not compile.
#[derive(Clone)]
pub struct Ports {
    /// The stored users.
    pub users: Arc<dyn UserRepository>,
    /// The stored sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The stored API keys.
    pub api_keys: Arc<dyn ApiKeyRepository>,
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
/// [`use_cases`](crate::use_cases).
#[derive(Clone)]
pub struct Auth {
    pub(crate) ports: Ports,
    pub(crate) policy: Policy,
}

impl Auth {
    /// The use cases over `ports` under `policy`.
    #[must_use]
    pub fn new(ports: Ports, policy: Policy) -> Self {
        Self { ports, policy }
    }

    /// Whether the policy lets somebody with these names set this password.
    pub(crate) fn judge_password(
        &self,
        password: &Password,
        names: &Identifiers,
    ) -> Result<(), RejectedPassword> {
        self.policy.blocklist.as_ref().map_or(Ok(()), |blocklist| blocklist.judge(password, names))
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("policy", &self.policy).finish_non_exhaustive()
    }
}
