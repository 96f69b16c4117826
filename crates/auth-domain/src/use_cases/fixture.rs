//! Mocks of every port and sample values for the tests of the use cases.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use crate::model::{
    ApiKey, ApiKeyId, ApiKeyName, AuditEvent, AuditOutcome, Blocklist, Caller, Client, ClientId,
    EmailAddress, Identifiers, Limit, LoginRecord, PasswordHash, PasswordPolicy, PasswordVersion,
    RefreshStyle, RegistrationPolicy, Reservation, Roles, Scopes, Session, SessionId, StoredPassword,
    Throttled, Timestamp, User, UserId, UserNumber, UserStatus, Username,
};
use crate::policy::Policy;
use crate::ports::{
    AdmitOutcome, AuditLog, BoxError, MockAccessTokenCodec, MockApiKeyRepository, MockAttemptLimiter,
    MockAuditRepository, MockClock, MockPasswordHasher, MockRevocationFeed, MockSecureRandom,
    MockSessionRepository, MockTimer, MockUserRepository, PortError,
};
use crate::{Auth, Ports, UseCases};

/// 2025-08-13T10:15:30.5Z. It is not a whole second, so that truncation is visible.
pub(crate) const NOW: Timestamp = Timestamp::from_const(1_755_080_130_500_000);

/// A mock of every port. An unexpected call fails the test, so each test also proves which calls are *not* made.
pub(crate) struct Mocks {
    pub(crate) users: MockUserRepository,
    pub(crate) sessions: MockSessionRepository,
    pub(crate) revocations: MockRevocationFeed,
    pub(crate) api_keys: MockApiKeyRepository,
    pub(crate) audit_events: MockAuditRepository,
    /// Admits everything unless a test replaces it.
    pub(crate) attempts: MockAttemptLimiter,
    /// Every hash has the weight 1.
    pub(crate) hasher: MockPasswordHasher,
    pub(crate) tokens: MockAccessTokenCodec,
    pub(crate) recorder: Arc<Recorder>,
}

impl Mocks {
    pub(crate) fn new() -> Self {
        Self {
            users: MockUserRepository::new(),
            sessions: MockSessionRepository::new(),
            revocations: MockRevocationFeed::new(),
            api_keys: MockApiKeyRepository::new(),
            audit_events: MockAuditRepository::new(),
            attempts: unlimited(),
            hasher: hasher(),
            tokens: MockAccessTokenCodec::new(),
            recorder: Arc::default(),
        }
    }

    /// Returns the recorder of audit events, for inspection after the use case.
    pub(crate) fn recorder(&self) -> Arc<Recorder> {
        Arc::clone(&self.recorder)
    }

    /// Creates the use cases on these mocks at [`NOW`], on behalf of the system. All random bytes are sevens. New users get
    /// the role of [`user`].
    pub(crate) fn auth(self) -> UseCases {
        self.root().on_behalf_of_system()
    }

    /// The same, on behalf of `caller`.
    pub(crate) fn called_by(self, caller: Caller) -> UseCases {
        self.root().called_by(caller)
    }

    /// The same as [`auth`](Self::auth), with a policy that blocks these passwords.
    pub(crate) fn auth_with_blocklist<const N: usize>(self, common: [&str; N]) -> UseCases {
        self.auth_with_policy(blocking(common))
    }

    /// The same, with this policy.
    pub(crate) fn auth_with_policy(self, policy: Policy) -> UseCases {
        self.root_with_policy(policy).on_behalf_of_system()
    }

    /// The root over these mocks.
    pub(crate) fn root(self) -> Auth {
        let registration =
            RegistrationPolicy { default_roles: user().roles, ..RegistrationPolicy::default() };
        self.root_with_policy(Policy { registration, ..Policy::default() })
    }

    /// The same, with this policy.
    pub(crate) fn root_with_policy(self, policy: Policy) -> Auth {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(NOW);
        let mut random = MockSecureRandom::new();
        random.expect_fill().returning(|bytes| bytes.fill(7));
        // Every wait is over at once, so a call of an extension that is not ready times out.
        let mut timer = MockTimer::new();
        timer.expect_sleep().returning(|_| ());
        let ports = Ports {
            users: Arc::new(self.users),
            sessions: Arc::new(self.sessions),
            revocations: Arc::new(self.revocations),
            api_keys: Arc::new(self.api_keys),
            audit: self.recorder,
            audit_events: Arc::new(self.audit_events),
            attempts: Arc::new(self.attempts),
            hasher: Arc::new(self.hasher),
            tokens: Arc::new(self.tokens),
            clock: Arc::new(clock),
            random: Arc::new(random),
            timer: Arc::new(timer),
        };
        Auth::new(ports, policy)
    }
}

/// A policy that blocks these passwords.
pub(crate) fn blocking<const N: usize>(common: [&str; N]) -> Policy {
    let passwords = PasswordPolicy { blocklist: Some(Blocklist::new(common)), ..PasswordPolicy::default() };
    Policy { passwords, ..Policy::default() }
}

/// Records all audit events. Any number of events is expected.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<AuditEvent>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.0.lock().expect("no panic under the lock").clone()
    }

    /// Returns the events in short form: the action, the denial, [`user`] and [`session`] if set, and the detail.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.events().iter().map(line).collect()
    }
}

fn line(event: &AuditEvent) -> String {
    let mut words = vec![event.action.to_string()];
    if let AuditOutcome::Denied(reason) = event.outcome {
        words.push(reason.to_string());
    }
    if let Some(id) = event.user {
        words.push(if id == user().id { "user" } else { "another user" }.to_owned());
    }
    if let Some(id) = event.session {
        words.push(if id == session().id { "session" } else { "another session" }.to_owned());
    }
    if let Some(detail) = &event.detail {
        words.push(format!("({detail})"));
    }
    words.join(" ")
}

impl AuditLog for Recorder {
    fn record(&self, event: AuditEvent) {
        self.0.lock().expect("no panic under the lock").push(event);
    }
}

fn hasher() -> MockPasswordHasher {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_weight().returning(|_| 1);
    hasher
}

fn unlimited() -> MockAttemptLimiter {
    let mut attempts = MockAttemptLimiter::new();
    attempts.expect_admit().returning(|guess| Ok(AdmitOutcome::Admitted(Reservation::new(guess.now))));
    attempts.expect_settle().returning(|_, _, _, _| Ok(()));
    attempts.expect_count().returning(|_, _| Ok(None));
    attempts.expect_exhausted().returning(|_, _| None);
    attempts.expect_forget().returning(|_| Ok(()));
    attempts
}

/// A caller with an address.
pub(crate) fn caller() -> Caller {
    Caller::at([192, 0, 2, 1])
}

pub(crate) fn throttled() -> Throttled {
    Throttled { limit: Limit::Account, quota: 5, window: None, retry_after: Duration::from_secs(8) }
}

pub(crate) fn user() -> User {
    User {
        id: UserId(Uuid::from_u128(1)),
        number: UserNumber(1),
        identifiers: Identifiers::new(
            Some(Username::parse("john_doe").expect("a username")),
            Some(EmailAddress::parse("john@example.com").expect("an address")),
        )
        .expect("identifiers"),
        display_name: None,
        phone_number: None,
        email_verified: false,
        status: UserStatus::Active,
        roles: Roles::parse("customer").expect("roles"),
        created_at: NOW.minus(Duration::from_secs(3_600)),
        external_id: None,
        metadata: None,
    }
}

/// [`user`] with a role that no new user gets.
pub(crate) fn administrator() -> User {
    User { roles: Roles::parse("admin,customer").expect("roles"), ..user() }
}

/// A live key with these scopes, separated by commas.
pub(crate) fn api_key(scopes: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId(Uuid::from_u128(5)),
        name: ApiKeyName::parse("backend").expect("a name"),
        scopes: Scopes::parse(scopes).expect("scopes"),
        created_at: NOW.minus(Duration::from_secs(3_600)),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

pub(crate) fn suspended_user() -> User {
    User { status: UserStatus::Suspended, ..user() }
}

pub(crate) fn login_record(user: User) -> LoginRecord {
    LoginRecord { user, password: StoredPassword { hash: Some(hash()), version: PasswordVersion(3) } }
}

pub(crate) fn hash() -> PasswordHash {
    PasswordHash::new("stored hash".to_owned())
}

pub(crate) fn client(refresh_style: RefreshStyle) -> Client {
    Client { id: ClientId::from_static("example"), refresh_style, access_lifetime: Duration::from_secs(900) }
}

/// A session of [`user`] through [`client`] that began a minute ago.
pub(crate) fn session() -> Session {
    let created_at = NOW.minus(Duration::from_secs(60));
    Session {
        id: SessionId(Uuid::from_u128(2)),
        user_id: user().id,
        client_id: ClientId::from_static("example"),
        created_at,
        last_refreshed_at: created_at,
        expires_at: created_at.plus(Policy::default().session.absolute),
        end: None,
    }
}

pub(crate) fn unavailable() -> PortError {
    PortError::Unavailable(BoxError::from("the store is unavailable"))
}
