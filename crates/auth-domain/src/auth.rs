//! [`Auth`], the entry point of the crate, the [`Ports`] it works on, and its [`UseCases`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::extensions::Extensions;
use crate::model::{
    ApiKey, AuditedCaller, Authority, Caller, Identifiers, InvalidPassword, Password, Timestamp,
};
use crate::policy::Policy;
use crate::ports::{
    AccessTokenCodec, ApiKeyRepository, AttemptLimiter, AuditLog, AuditRepository, ClaimsSource, Clock,
    Hooks, PasswordHasher, PasswordRule, RevocationFeed, SecureRandom, SessionRepository, Timer,
    UserRepository,
};

/// The adapters that the use cases run on. A missing adapter is a compile error, so a new port is a new major version.
/// Optional extensions are added to [`Auth`] instead.
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
    /// Waits. It bounds the calls of extensions.
    pub timer: Arc<dyn Timer>,
}

/// The authentication service over a set of ports and under one policy: the entry point of the crate.
///
/// It has no use cases itself. [`called_by`](Self::called_by) and [`on_behalf_of_system`](Self::on_behalf_of_system) return
/// them, so that no call bypasses the limits by accident. A program creates one `Auth` when it starts. Cloning is cheap, and
/// the clones share their state.
///
/// ```compile_fail,E0599
/// # use auth_domain::{Auth, model::UserRef};
/// # async fn example(auth: Auth, user: UserRef) {
/// auth.find_user(&user).await; // no method named `find_user`: on whose behalf?
/// # }
/// ```
///
/// ```
/// # use auth_domain::{Auth, model::UserRef};
/// # async fn example(auth: Auth, user: UserRef) {
/// let found = auth.on_behalf_of_system().find_user(&user).await;
/// # }
/// ```
#[derive(Clone)]
pub struct Auth {
    core: Arc<Core>,
}

/// What all use cases share.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) ports: Ports,
    pub(crate) policy: Policy,
    pub(crate) extensions: Extensions,
    /// The latest stored time that was read, in microseconds since the Unix epoch.
    latest_stored: Arc<AtomicI64>,
}

impl Auth {
    /// Creates the service over `ports` under `policy`.
    #[must_use]
    pub fn new(ports: Ports, policy: Policy) -> Self {
        Self {
            core: Arc::new(Core {
                ports,
                policy,
                extensions: Extensions::default(),
                latest_stored: Arc::default(),
            }),
        }
    }

    /// Adds the source of the extra claims of access tokens. It replaces an earlier one.
    #[must_use]
    pub fn with_claims_source(self, source: Arc<dyn ClaimsSource>) -> Self {
        self.extended(|extensions| extensions.claims_source = Some(source))
    }

    /// Adds hooks. They run after those that were added before, and the first refusal decides.
    #[must_use]
    pub fn with_hooks(self, hooks: Arc<dyn Hooks>) -> Self {
        self.extended(|extensions| extensions.hooks.push(hooks))
    }

    /// Adds a rule for new passwords. It is asked after those that were added before, and the first rejection decides.
    #[must_use]
    pub fn with_password_rule(self, rule: Arc<dyn PasswordRule>) -> Self {
        self.extended(|extensions| extensions.password_rules.push(rule))
    }

    fn extended(self, add: impl FnOnce(&mut Extensions)) -> Self {
        let mut core = Arc::unwrap_or_clone(self.core);
        add(&mut core.extensions);
        Self { core: Arc::new(core) }
    }

    /// Returns the rules of the service.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.core.policy
    }

    /// Returns the use cases on behalf of `caller`: a request that has arrived from outside.
    ///
    /// Limits count by the caller, and audit events name it.
    #[must_use]
    pub fn called_by(&self, caller: Caller) -> UseCases {
        self.use_cases(Actor::Caller(caller))
    }

    /// Returns the use cases on behalf of the system itself: background work, a migration, or a command that an operator
    /// runs.
    ///
    /// No limit by caller applies, and audit events name no caller. Only the limit of each account applies. Do not use it to
    /// handle a request: use [`called_by`](Self::called_by), with [`Caller::without_address`] if the address is not known.
    #[must_use]
    pub fn on_behalf_of_system(&self) -> UseCases {
        self.use_cases(Actor::System)
    }

    fn use_cases(&self, actor: Actor) -> UseCases {
        UseCases { core: Arc::clone(&self.core), actor, authority: Authority::AllUsers }
    }

    /// Returns the least time from a password attempt to the answer that it was throttled
    /// ([`AttemptPolicy::refusal_time`](crate::policy::AttemptPolicy::refusal_time)).
    #[must_use]
    pub fn refusal_time(&self) -> Duration {
        self.core.policy.attempts.refusal_time
    }

    /// Returns how far the clock is behind the latest stored time that a refresh has read, if that is more than the leeway.
    ///
    /// Such a clock was set back, or is slower than those of other nodes. Times that depend on it are wrong: a service should
    /// not report that it is ready.
    #[must_use]
    pub fn clock_lag(&self) -> Option<Duration> {
        let latest = Timestamp::from_unix_micros(self.core.latest_stored.load(Ordering::Relaxed));
        let lag = latest.since(self.core.ports.clock.now());
        (lag > self.core.policy.token.leeway).then_some(lag)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("policy", &self.core.policy).finish_non_exhaustive()
    }
}

/// Who acts: the code that calls [`UseCases`] does so on behalf of the actor.
#[derive(Clone, Debug)]
pub(crate) enum Actor {
    /// A request from outside, which the limits count.
    Caller(Caller),
    /// The system itself, which no limit counts.
    System,
}

impl Actor {
    /// Returns the caller, which limits count. `None` for the system.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Caller(caller) => Some(caller),
            Self::System => None,
        }
    }

    /// Returns the caller as an audit event names it. Events of the system name none.
    pub(crate) fn audited(&self) -> AuditedCaller {
        self.caller().map(Caller::audited).unwrap_or_default()
    }

    fn with_api_key(&self, key: &ApiKey) -> Self {
        // An API key identifies a program outside the system. The system that presents one becomes its caller.
        let caller = self.caller().cloned().unwrap_or_else(Caller::without_address);
        Self::Caller(caller.with_api_key(key.id))
    }
}

/// All use cases, on behalf of a [`Caller`] or of the system.
///
/// [`Auth::called_by`] and [`Auth::on_behalf_of_system`] create it, usually for one request. Each use case is a method,
/// defined in its own file under [`use_cases`](crate::use_cases). Cloning is cheap.
#[derive(Clone)]
pub struct UseCases {
    pub(crate) core: Arc<Core>,
    pub(crate) actor: Actor,
    pub(crate) authority: Authority,
}

impl UseCases {
    /// Returns the same use cases on behalf of the same caller after it has authenticated with `key`
    /// ([`authenticate_api_key`](Self::authenticate_api_key)).
    #[must_use]
    pub fn with_api_key(&self, key: &ApiKey) -> Self {
        Self {
            core: Arc::clone(&self.core),
            actor: self.actor.with_api_key(key),
            authority: Authority::of(&key.scopes),
        }
    }

    /// Remembers a stored time for [`Auth::clock_lag`].
    pub(crate) fn note_stored_time(&self, time: Timestamp) {
        self.core.latest_stored.fetch_max(time.unix_micros(), Ordering::Relaxed);
    }

    /// Checks whether the policy permits this password to a user with these names.
    pub(crate) fn judge_password(
        &self,
        password: &Password,
        names: &Identifiers,
    ) -> Result<(), InvalidPassword> {
        self.core.policy.passwords.judge(password, names)
    }
}

impl fmt::Debug for UseCases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseCases")
            .field("actor", &self.actor)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}
