//! Register: create a user.

use thiserror::Error;

use crate::UseCases;
use crate::extensions::HookError;
use crate::model::{
    AuditAction, DenialReason, DisplayName, IdentifierKind, Identifiers, InvalidPassword, Limit, Metadata,
    NewUser, Password, PhoneNumber, RefusalCode, RoleChoice, RoleNotOffered, Roles, Throttled, User, UserId,
    uuid_v7,
};
use crate::ports::{PortError, RegisterOutcome};

use super::attempts::AttemptError;
use super::audit_entry::AuditEntry;

/// The command to register a user.
#[derive(Debug)]
#[non_exhaustive]
pub struct Register {
    /// The identifiers with which the user logs in.
    pub identifiers: Identifiers,
    /// The password.
    pub password: Password,
    /// The display name.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The roles, or the role that the user requests.
    pub roles: RoleChoice,
    /// The data of the embedding program.
    pub metadata: Option<Metadata>,
}

impl Register {
    /// Creates the command for a user without optional members, with the default roles of the policy.
    #[must_use]
    pub fn new(identifiers: Identifiers, password: Password) -> Self {
        Self {
            identifiers,
            password,
            display_name: None,
            phone_number: None,
            roles: RoleChoice::default(),
            metadata: None,
        }
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_display_name(self, display_name: DisplayName) -> Self {
        Self { display_name: Some(display_name), ..self }
    }

    /// Sets the phone number.
    #[must_use]
    pub fn with_phone_number(self, phone_number: PhoneNumber) -> Self {
        Self { phone_number: Some(phone_number), ..self }
    }

    /// Sets the data of the embedding program.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata: Some(metadata), ..self }
    }

    /// Sets the roles, or the role that the user requests.
    #[must_use]
    pub fn with_roles(self, roles: RoleChoice) -> Self {
        Self { roles, ..self }
    }
}

/// The user was not registered.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// Another user has this identifier.
    #[error("another user has this identifier")]
    Taken(IdentifierKind),
    /// The policy does not permit the password: it is too short, common or one of the user's own names.
    #[error("the password {0}")]
    Password(InvalidPassword),
    /// The user requested a role that is not on offer.
    #[error("the role {0}")]
    Role(RoleNotOffered),
    /// Too many registrations came before.
    #[error("too many attempts")]
    TooManyAttempts(Throttled),
    /// A hook refused the registration.
    #[error("refused: {0}")]
    Refused(RefusalCode),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Registers a user: active, with an unverified e-mail address.
    ///
    /// # Errors
    /// [`RegisterError::Role`] when the requested role is not on offer; it counts as a registration. [`RegisterError::Password`] when the policy
    /// does not permit the password. [`RegisterError::TooManyAttempts`]. [`RegisterError::Taken`] when another user has
    /// one of the identifiers. [`RegisterError::Refused`] when a hook refuses. Nothing is stored then.
    pub async fn register(&self, command: Register) -> Result<User, RegisterError> {
        let roles = self.resolve_roles(&command.roles).await?;
        self.judge_password(&command.password, &command.identifiers).map_err(RegisterError::Password)?;
        // The limit is counted before the hash is computed, because hashing is the expensive step. Rejected input is not
        // counted, except for a requested role.
        self.count(Limit::Registrations).await?;
        let now = self.core.ports.clock.now();
        let mut user = NewUser {
            id: UserId(uuid_v7(now, &*self.core.ports.random)),
            identifiers: command.identifiers,
            display_name: command.display_name,
            phone_number: command.phone_number,
            roles,
            password_hash: None,
            created_at: now,
            metadata: command.metadata,
        };
        self.permit_registration(&user).await?;
        self.judge_by_rules(&command.password, &user.identifiers).await?.map_err(RegisterError::Password)?;
        user.password_hash = Some(self.core.ports.hasher.hash(&command.password, self.caller_key()).await?);
        match self.core.ports.users.register(&user).await? {
            RegisterOutcome::Registered(user) => {
                self.audit(
                    AuditEntry::succeeded(AuditAction::UserRegistered).user(user.id).detail(&user.roles),
                );
                Ok(user)
            }
            RegisterOutcome::Taken(kind) => {
                let denied = AuditEntry::denied(AuditAction::UserRegistered, DenialReason::NameTaken);
                self.audit(denied.detail(kind));
                Err(RegisterError::Taken(kind))
            }
        }
    }

    /// Runs the hooks that may refuse a registration. They run before the names are looked up, so they take the same time for free
    /// and taken names.
    async fn permit_registration(&self, user: &NewUser) -> Result<(), RegisterError> {
        self.before_registration(user).await.map_err(|error| match error {
            HookError::Port(error) => RegisterError::Port(error),
            HookError::Refused(code) => {
                let denied = AuditEntry::denied(AuditAction::UserRegistered, DenialReason::RefusedByHook);
                self.audit(denied.detail(&code));
                RegisterError::Refused(code)
            }
        })
    }

    /// Resolves the choice of roles. A request for a role that is not on offer may be an attack. The denial is therefore
    /// counted, and audited with the name of the role.
    async fn resolve_roles(&self, choice: &RoleChoice) -> Result<Roles, RegisterError> {
        let error = match choice.resolve(&self.core.policy.registration) {
            Ok(roles) => return Ok(roles),
            Err(error) => error,
        };
        self.count(Limit::Registrations).await?;
        let denied = AuditEntry::denied(AuditAction::UserRegistered, DenialReason::RoleNotOffered);
        self.audit(match &error.requested {
            Some(role) => denied.detail(role),
            None => denied,
        });
        Err(RegisterError::Role(error))
    }
}

impl From<AttemptError> for RegisterError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Throttled(throttled) => Self::TooManyAttempts(throttled),
            AttemptError::Port(error) => Self::Port(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptPolicy, Counter, PasswordHash, Username};
    use crate::policy::{Policy, RegistrationPolicy};
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, api_key, blocking, caller, throttled, user};

    fn command() -> Register {
        Register {
            identifiers: user().identifiers,
            password: Password::parse("P@ssw0rd!").expect("accepted"),
            display_name: None,
            phone_number: None,
            roles: RoleChoice::Assigned(Roles::parse("customer").expect("roles")),
            metadata: Metadata::parse("tenant=acme").ok(),
        }
    }

    #[tokio::test]
    async fn the_hash_is_stored_and_not_the_password() {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("hash".to_owned())));
        mocks
            .users
            .expect_register()
            .once()
            .withf(|new| {
                new.password_hash.as_ref().map(PasswordHash::expose) == Some("hash")
                    && new.created_at == NOW
                    && new.identifiers.username().map(Username::as_str) == Some("john_doe")
                    && new.roles.to_string() == "customer"
                    && new.metadata.as_ref().map(Metadata::as_str) == Some("tenant=acme")
                    && new.id.0.get_version_num() == 7
            })
            .returning(|_| Ok(RegisterOutcome::Registered(user())));
        let recorder = mocks.recorder();
        assert_eq!(mocks.auth().register(command()).await.expect("registered"), user());
        assert_eq!(recorder.lines(), ["user.registered user (customer)"]);
    }

    async fn request_role(typed: &str) -> (Result<User, RegisterError>, Vec<String>) {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_hash().returning(|_, _| Ok(PasswordHash::new("hash".to_owned())));
        mocks
            .users
            .expect_register()
            .returning(|new| Ok(RegisterOutcome::Registered(User { roles: new.roles.clone(), ..user() })));
        let recorder = mocks.recorder();
        let offered = Roles::parse("customer,partner").expect("roles");
        let registration =
            RegistrationPolicy { self_assignable_roles: offered, ..RegistrationPolicy::default() };
        let policy = Policy { registration, ..Policy::default() };
        let roles = RoleChoice::requested(typed);
        (mocks.auth_with_policy(policy).register(Register { roles, ..command() }).await, recorder.lines())
    }

    #[tokio::test]
    async fn an_offered_role_becomes_the_only_role() {
        let (registered, lines) = request_role("partner").await;
        assert_eq!(registered.expect("registered").roles.to_string(), "partner");
        assert_eq!(lines, ["user.registered user (partner)"]);
    }

    #[tokio::test]
    async fn a_user_who_requests_no_role_gets_the_default_roles() {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_hash().returning(|_, _| Ok(PasswordHash::new("hash".to_owned())));
        let register = mocks.users.expect_register().once().withf(|new| new.roles == user().roles);
        register.returning(|_| Ok(RegisterOutcome::Registered(user())));
        let command = Register { roles: RoleChoice::Default, ..command() };
        mocks.auth().register(command).await.expect("registered");
    }

    #[tokio::test]
    async fn a_role_not_on_offer_is_denied_and_audited_by_name() {
        let (error, lines) = request_role("admin").await;
        assert!(matches!(error, Err(RegisterError::Role(_))), "{error:?}");
        assert_eq!(lines, ["user.registered role_not_offered (admin)"]);
    }

    #[tokio::test]
    async fn text_that_is_not_a_role_is_never_audited() {
        for typed in ["", "Admin", "customer,admin", "my P@ssw0rd!"] {
            let (error, lines) = request_role(typed).await;
            assert!(matches!(error, Err(RegisterError::Role(_))), "{typed}");
            assert_eq!(lines, ["user.registered role_not_offered"], "{typed}");
        }
    }

    /// Expects one counted registration, answered with `throttle`.
    fn one_counted(throttle: Option<Throttled>) -> MockAttemptLimiter {
        let mut attempts = MockAttemptLimiter::new();
        attempts
            .expect_count()
            .once()
            .withf(|counter, now| counter.limit == Limit::Registrations && *now == NOW)
            .returning(move |_, _| Ok(throttle));
        attempts
    }

    #[tokio::test]
    async fn a_throttled_end_user_does_not_use_up_the_limit_of_the_key() {
        let program = caller().with_end_user([192, 0, 2, 2]).with_api_key(api_key("users:write").id);
        let of_address = Counter::of_address(&program, Limit::Registrations, &AttemptPolicy::default());
        let mut attempts = MockAttemptLimiter::new();
        let count =
            attempts.expect_count().once().withf(move |counter, _| Some(counter) == of_address.as_ref());
        count.returning(|_, _| Ok(Some(throttled())));
        let auth = Mocks { attempts, ..Mocks::new() }.called_by(program);
        let error = auth.register(command()).await.expect_err("throttled");
        assert!(matches!(error, RegisterError::TooManyAttempts(_)));
    }

    #[tokio::test]
    async fn a_throttled_request_for_a_role_is_not_audited_as_such() {
        let mocks = Mocks { attempts: one_counted(Some(throttled())), ..Mocks::new() };
        let recorder = mocks.recorder();
        let roles = RoleChoice::requested("admin");
        let error = mocks.called_by(caller()).register(Register { roles, ..command() }).await;
        assert!(matches!(error, Err(RegisterError::TooManyAttempts(_))), "{error:?}");
        assert_eq!(recorder.lines(), ["attempt.limited too_many_attempts (account)"]);
        assert!(!recorder.events()[0].is_kept());
    }

    #[tokio::test]
    async fn a_role_not_on_offer_is_denied_before_any_other_work() {
        let mut mocks = Mocks { attempts: one_counted(None), ..Mocks::new() };
        mocks.hasher.expect_hash().never();
        let roles = RoleChoice::requested("admin");
        let auth = mocks.root_with_policy(blocking(["p@ssw0rd!"])).called_by(caller());
        let error = auth.register(Register { roles, ..command() }).await.expect_err("denied");
        assert!(matches!(error, RegisterError::Role(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_blocked_password_is_rejected_before_any_work() {
        for (typed, expected) in
            [("P@ssw0rd!", InvalidPassword::Common), ("John_Doe", InvalidPassword::OwnName)]
        {
            let mut mocks = Mocks::new();
            mocks.hasher.expect_hash().never();
            mocks.users.expect_register().never();
            let password = Password::parse(typed).expect("accepted");
            let auth = mocks.auth_with_blocklist(["p@ssw0rd!"]);
            let error = auth.register(Register { password, ..command() }).await.expect_err("denied");
            assert!(matches!(error, RegisterError::Password(rejected) if rejected == expected), "{error:?}");
        }
    }

    #[tokio::test]
    async fn the_taken_identifier_is_reported() {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("hash".to_owned())));
        mocks.users.expect_register().once().returning(|_| Ok(RegisterOutcome::Taken(IdentifierKind::Email)));
        let recorder = mocks.recorder();
        let error = mocks.auth().register(command()).await.expect_err("taken");
        assert!(matches!(error, RegisterError::Taken(IdentifierKind::Email)));
        assert_eq!(recorder.lines(), ["user.registered name_taken (email)"]);
    }

    #[tokio::test]
    async fn a_throttled_registration_hashes_nothing() {
        let mut mocks = Mocks { attempts: one_counted(Some(throttled())), ..Mocks::new() };
        mocks.hasher.expect_hash().never();
        let error = mocks.called_by(caller()).register(command()).await.expect_err("too many");
        assert!(matches!(error, RegisterError::TooManyAttempts(actual) if actual == throttled()));
    }

    #[tokio::test]
    async fn an_overloaded_hasher_stores_no_user() {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_hash().once().returning(|_, _| Err(PortError::Overloaded));
        mocks.users.expect_register().never();
        let recorder = mocks.recorder();
        let error = mocks.auth().register(command()).await.expect_err("overloaded");
        assert!(matches!(error, RegisterError::Port(PortError::Overloaded)));
        assert_eq!(recorder.events(), []);
    }
}
