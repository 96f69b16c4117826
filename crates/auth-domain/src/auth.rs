//! [`Auth`], the entry point of the crate, and the [`Ports`] it works on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::{ApiKey, Authority, Caller, Identifiers, InvalidPassword, Password, Timestamp};
use crate::policy::Policy;
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, AttemptLimiter, AuditLog, AuditRepository, Clock, PasswordHasher,
    RevocationFeed, SecureRandom, SessionRepository, UserRepository,
};

/// The adapters that the use cases run on. A missing adapter is a compile error.
#[derive(Clone)]
pub struct Ports {
    /// Stores users.
    pub users: Arc<dyn UserRepository>,
    /// Stores sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Reports revoked sessions without a query.
    pub revocations: Arc<dyn RevocationFeed>,
    /// Stores API keys.
    pub api_keys: Arc<dyn ApiKeyRepository>,
    /// Receives audit events.
    pub audit: Arc<dyn AuditLog>,
    /// Stores audit events.
    pub audit_events: Arc<dyn AuditRepository>,
    /// Limits attempts.
    pub attempts: Arc<dyn AttemptLimiter>,
    /// Hashes and verifies passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signs and verifies access tokens.
    pub tokens: Arc<dyn AccessTokenCodec>,
    /// Returns the current time.
    pub clock: Arc<dyn Clock>,
    /// Generates random bytes.
    pub random: Arc<dyn SecureRandom>,
}

/// All use cases, over a set of ports and under one policy.
///
/// Each use case is a method, defined in its own file under [`use_cases`](crate::use_cases). Cloning is cheap.
#[derive(Clone)]
pub struct Auth {
    pub(crate) ports: Arc<Ports>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) caller: Caller,
    pub(crate) authority: Authority,
    /// The latest stored time that was read, in microseconds since the Unix epoch.
    latest_stored: Arc<AtomicI64>,
}

impl Auth {
    /// Creates the use cases over `ports` under `policy`, without a caller.
    ///
    /// Without a caller, no limit per caller applies, and audit events name none.
    #[must_use]
    pub fn new(ports: Ports, policy: Policy) -> Self {
        Self {
            ports: Arc::new(ports),
            policy: Arc::new(policy),
            caller: Caller::default(),
            authority: Authority::AllUsers,
            latest_stored: Arc::default(),
        }
    }

    /// Returns the least time from a password attempt to the answer that it was throttled
    /// ([`AttemptPolicy::refusal_time`](crate::policy::AttemptPolicy::refusal_time)).
    #[must_use]
    pub fn refusal_time(&self) -> Duration {
        self.policy.attempts.refusal_time
    }

    /// Returns the same use cases on behalf of `caller`.
    #[must_use]
    pub fn called_by(&self, caller: Caller) -> Self {
        Self { caller, ..self.clone() }
    }

    /// Returns the same use cases on behalf of the same caller after it has authenticated with `key`.
    #[must_use]
    pub fn with_api_key(&self, key: &ApiKey) -> Self {
        let caller = Caller { api_key: Some(key.id), ..self.caller.clone() };
        Self { caller, authority: Authority::of(&key.scopes), ..self.clone() }
    }

    /// Returns how far the clock is behind the latest stored time that a refresh has read, if that is more than the leeway.
    ///
    /// Such a clock was set back, or is slower than those of other nodes. Times that depend on it are wrong: a service should
    /// not report that it is ready.
    #[must_use]
    pub fn clock_lag(&self) -> Option<Duration> {
        let latest = Timestamp::from_unix_micros(self.latest_stored.load(Ordering::Relaxed));
        let lag = latest.since(self.ports.clock.now());
        (lag > self.policy.token.leeway).then_some(lag)
    }

    /// Remembers a stored time for [`clock_lag`](Self::clock_lag).
    pub(crate) fn note_stored_time(&self, time: Timestamp) {
        self.latest_stored.fetch_max(time.unix_micros(), Ordering::Relaxed);
    }

    /// Checks whether the policy permits this password to a user with these names.
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
