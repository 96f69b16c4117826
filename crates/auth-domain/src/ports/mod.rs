//! The interfaces to the outside, one trait each.
//!
//! The documentation of a trait is its contract. Every line with MUST has a case in the conformance suite (feature
//! `conformance`). A line that needs a second process or a failing device is left to the adapter's own tests.

mod api_keys;
mod attempts;
mod audit;
mod claims_source;
mod clock;
mod error;
mod hasher;
mod hooks;
mod password_rule;
mod revocation_feed;
mod sessions;
mod timer;
mod tokens;
mod users;

pub use crate::random::SecureRandom;
pub use api_keys::ApiKeyRepository;
pub use attempts::{AdmitOutcome, AttemptLimiter};
pub use audit::{AuditLog, AuditRepository};
pub use claims_source::ClaimsSource;
pub use clock::Clock;
pub use error::{BoxError, PortError};
pub use hasher::{HashStrength, InvalidHash, PasswordHasher, PasswordVerdict};
pub use hooks::{HookDecision, Hooks};
pub use password_rule::{PasswordRule, RuleVerdict};
pub use revocation_feed::{REVOCATION_RETENTION, RevocationFeed, SessionState};
pub use sessions::{OpenOutcome, SessionRepository};
pub use timer::Timer;
pub use tokens::AccessTokenCodec;
pub use users::{RegisterOutcome, UpdateOutcome, UserRepository};

#[cfg(any(test, feature = "mocks"))]
pub use crate::random::MockSecureRandom;

#[cfg(any(test, feature = "mocks"))]
pub use self::{
    api_keys::MockApiKeyRepository,
    attempts::MockAttemptLimiter,
    audit::{MockAuditLog, MockAuditRepository},
    claims_source::MockClaimsSource,
    clock::MockClock,
    hasher::MockPasswordHasher,
    hooks::MockHooks,
    password_rule::MockPasswordRule,
    revocation_feed::MockRevocationFeed,
    sessions::MockSessionRepository,
    timer::MockTimer,
    tokens::MockAccessTokenCodec,
    users::MockUserRepository,
};
