//! Update a user at the request of an operator or a trusted program.

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    AuditAction, AuditDetail, Authority, DenialReason, DisplayName, EmailAddress, IdentifierKind,
    InvalidPassword, MetadataChange, Password, PhoneNumber, User, UserChanges, UserId, UserRef, Username,
};
use crate::ports::{PortError, UpdateOutcome};

use super::PrivilegedUser;
use super::audit_entry::AuditEntry;

/// The command to change a user. `None` leaves a property unchanged.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UpdateUser {
    /// The new username.
    pub username: Option<Username>,
    /// The new e-mail address.
    pub email: Option<EmailAddress>,
    /// The new display name.
    pub display_name: Option<DisplayName>,
    /// The new phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The new password. It ends all sessions of the user.
    pub password: Option<Password>,
    /// The change of the embedding program's data.
    pub metadata: MetadataChange,
}

impl UpdateUser {
    /// Creates the command that changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the username.
    #[must_use]
    pub fn with_username(self, username: Username) -> Self {
        Self { username: Some(username), ..self }
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn with_email(self, email: EmailAddress) -> Self {
        Self { email: Some(email), ..self }
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

    /// Sets the password.
    #[must_use]
    pub fn with_password(self, password: Password) -> Self {
        Self { password: Some(password), ..self }
    }

    /// Sets or removes the metadata.
    #[must_use]
    pub fn with_metadata(self, metadata: MetadataChange) -> Self {
        Self { metadata, ..self }
    }

    /// Returns whether this changes what `user` logs in with.
    fn changes_credentials_of(&self, user: &User) -> bool {
        let identifiers = user.identifiers.changed(self.username.clone(), self.email.clone());
        self.password.is_some() || identifiers != user.identifiers
    }
}

/// The user was not changed.
#[derive(Debug, Error)]
pub enum UpdateUserError {
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// Another user has this identifier.
    #[error("another user has this identifier")]
    Taken(IdentifierKind),
    /// The user has more roles than the caller's API key may grant, and the change would let the caller take over the
    /// user.
    #[error(transparent)]
    PrivilegedUser(#[from] PrivilegedUser),
    /// The policy does not permit the password: it is too short, common or one of the user's own names.
    #[error("the password {0}")]
    Password(InvalidPassword),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl UseCases {
    /// Applies all changes to a user, or none. A new password also deletes the failed attempts of the account.
    ///
    /// # Errors
    /// [`UpdateUserError::NotFound`], [`UpdateUserError::Taken`], [`UpdateUserError::Password`] and
    /// [`UpdateUserError::PrivilegedUser`]. Nothing has changed then.
    pub async fn update_user(&self, user: UserId, command: UpdateUser) -> Result<User, UpdateUserError> {
        self.permit_update(user, &command).await?;
        let password_hash = match &command.password {
            Some(password) => {
                self.judge_new_password(user, password, &command).await?;
                Some(self.core.ports.hasher.hash(password, self.caller_key()).await?)
            }
            None => None,
        };
        let changes = UserChanges {
            username: command.username,
            email: command.email,
            display_name: command.display_name,
            phone_number: command.phone_number,
            password_hash,
            metadata: command.metadata,
        };
        // The checks above and this write are not one transaction. A concurrent rename may therefore yield a password equal
        // to the new name; the blocklist is a safeguard against guessing, not an invariant.
        match self.core.ports.users.update(user, &changes, self.core.ports.clock.now()).await? {
            UpdateOutcome::Updated(user) => {
                self.audit_changes(user.id, &changes);
                if changes.password_hash.is_some() {
                    self.forget_attempts(user.id).await;
                }
                Ok(user)
            }
            UpdateOutcome::NotFound => Err(UpdateUserError::NotFound),
            UpdateOutcome::Taken(kind) => {
                let denied = AuditEntry::denied(AuditAction::UserUpdated, DenialReason::NameTaken);
                self.audit(denied.user(user).detail(kind));
                Err(UpdateUserError::Taken(kind))
            }
        }
    }

    /// Refuses a change with which the caller could log in as a user with more roles than the caller may grant.
    async fn permit_update(&self, user: UserId, command: &UpdateUser) -> Result<(), UpdateUserError> {
        if self.authority == Authority::UnprivilegedUsers {
            let user =
                self.core.ports.users.find(&UserRef::Id(user)).await?.ok_or(UpdateUserError::NotFound)?;
            if command.changes_credentials_of(&user) {
                self.require_authority(AuditAction::UserUpdated, &user)?;
            }
        }
        Ok(())
    }

    /// Records the names of the changed properties, and a new password as an event of its own.
    fn audit_changes(&self, user: UserId, changes: &UserChanges) {
        let members = [
            (changes.username.is_some(), "username"),
            (changes.email.is_some(), "email"),
            (changes.display_name.is_some(), "display_name"),
            (changes.phone_number.is_some(), "phone_number"),
            (changes.metadata != MetadataChange::Keep, "metadata"),
        ];
        let names: Vec<_> = members.iter().filter(|(is_new, _)| *is_new).map(|(_, name)| *name).collect();
        if !names.is_empty() {
            self.audit(
                AuditEntry::succeeded(AuditAction::UserUpdated).user(user).detail(AuditDetail::names(&names)),
            );
        }
        if changes.password_hash.is_some() {
            self.audit(AuditEntry::succeeded(AuditAction::UserPasswordChanged).user(user));
        }
    }

    /// Checks a new password against the user's identifiers as they are after the change.
    async fn judge_new_password(
        &self,
        user: UserId,
        password: &Password,
        command: &UpdateUser,
    ) -> Result<(), UpdateUserError> {
        let user = self.core.ports.users.find(&UserRef::Id(user)).await?.ok_or(UpdateUserError::NotFound)?;
        let names = user.identifiers.changed(command.username.clone(), command.email.clone());
        self.judge_password(password, &names).map_err(UpdateUserError::Password)?;
        self.judge_by_rules(password, &names).await?.map_err(UpdateUserError::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CounterKey, Metadata, PasswordHash};
    use crate::ports::MockAttemptLimiter;
    use crate::use_cases::fixture::{Mocks, NOW, administrator, api_key, user};

    #[tokio::test]
    async fn hashes_nothing_when_the_password_stays() {
        let mut mocks = Mocks { attempts: MockAttemptLimiter::new(), ..Mocks::new() };
        mocks.hasher.expect_hash().never();
        mocks
            .users
            .expect_update()
            .once()
            .withf(|id, changes, now| *id == user().id && *changes == UserChanges::default() && *now == NOW)
            .returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
        let recorder = mocks.recorder();
        let updated = mocks.auth().update_user(user().id, UpdateUser::default()).await;
        assert_eq!(updated.expect("updated"), user());
        assert_eq!(recorder.events(), [], "nothing has changed");
    }

    #[tokio::test]
    async fn a_new_password_reaches_the_store_as_a_hash_with_the_rest() {
        let mut attempts = MockAttemptLimiter::new();
        let forget = attempts.expect_forget().once().withf(|key| *key == CounterKey::of_user(user().id));
        forget.returning(|_| Ok(()));
        let mut mocks = Mocks { attempts, ..Mocks::new() };
        mocks.users.expect_find().once().returning(|_| Ok(Some(user())));
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
        mocks
            .users
            .expect_update()
            .once()
            .withf(|_, changes, _| {
                changes.password_hash.as_ref().map(PasswordHash::expose) == Some("new hash")
                    && changes.username.as_ref().map(Username::as_str) == Some("jane")
            })
            .returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
        let command = UpdateUser {
            username: Some(Username::parse("jane").expect("a username")),
            password: Some(Password::parse("another one").expect("accepted")),
            ..UpdateUser::default()
        };
        let recorder = mocks.recorder();
        mocks.auth().update_user(user().id, command).await.expect("updated");
        assert_eq!(recorder.lines(), ["user.updated user (username)", "user.password_changed user"]);
    }

    #[tokio::test]
    async fn new_metadata_is_stored_and_audited_by_name_only() {
        let metadata = Metadata::parse("tenant=acme").expect("metadata");
        for change in [MetadataChange::Set(metadata), MetadataChange::Remove] {
            let mut mocks = Mocks::new();
            let expected = change.clone();
            let update =
                mocks.users.expect_update().once().withf(move |_, changes, _| changes.metadata == expected);
            update.returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
            let recorder = mocks.recorder();
            let command = UpdateUser { metadata: change, ..UpdateUser::default() };
            mocks.auth().update_user(user().id, command).await.expect("updated");
            assert_eq!(recorder.lines(), ["user.updated user (metadata)"]);
        }
    }

    #[tokio::test]
    async fn a_blocked_password_changes_nothing() {
        for (typed, expected) in [
            ("another one", InvalidPassword::Common),
            ("john@example.com", InvalidPassword::OwnName),
            ("Jane_Roe", InvalidPassword::OwnName),
        ] {
            let mut mocks = Mocks::new();
            mocks.users.expect_find().once().returning(|_| Ok(Some(user())));
            mocks.hasher.expect_hash().never();
            mocks.users.expect_update().never();
            let command = UpdateUser {
                username: Some(Username::parse("jane_roe").expect("a username")),
                password: Some(Password::parse(typed).expect("accepted")),
                ..UpdateUser::default()
            };
            let auth = mocks.auth_with_blocklist(["another one"]);
            let error = auth.update_user(user().id, command).await.expect_err("denied");
            assert!(
                matches!(error, UpdateUserError::Password(rejected) if rejected == expected),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_former_name_may_be_the_password() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find().once().returning(|_| Ok(Some(user())));
        mocks.hasher.expect_hash().once().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
        mocks.users.expect_update().once().returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
        let command = UpdateUser {
            username: Some(Username::parse("jane_roe").expect("a username")),
            password: Some(Password::parse("john_doe").expect("accepted")),
            ..UpdateUser::default()
        };
        mocks.auth_with_blocklist([]).update_user(user().id, command).await.expect("updated");
    }

    fn new_password() -> UpdateUser {
        let password = Password::parse("another one").expect("accepted");
        UpdateUser { password: Some(password), ..UpdateUser::default() }
    }

    fn new_username(typed: &str) -> UpdateUser {
        let username = Username::parse(typed).expect("a username");
        UpdateUser { username: Some(username), ..UpdateUser::default() }
    }

    fn new_email(typed: &str) -> UpdateUser {
        UpdateUser { email: Some(EmailAddress::parse(typed).expect("an address")), ..UpdateUser::default() }
    }

    #[tokio::test]
    async fn a_key_that_sets_no_roles_changes_no_credential_of_an_admin() {
        for command in [new_password(), new_username("jane"), new_email("jane@example.com")] {
            let mut mocks = Mocks::new();
            mocks.users.expect_find().once().returning(|_| Ok(Some(administrator())));
            mocks.hasher.expect_hash().never();
            mocks.users.expect_update().never();
            let recorder = mocks.recorder();
            let auth = mocks.auth().with_api_key(&api_key("users:read,users:write,auth"));
            let error = auth.update_user(user().id, command).await.expect_err("denied");
            assert!(matches!(error, UpdateUserError::PrivilegedUser(_)), "{error:?}");
            assert_eq!(recorder.lines(), ["user.updated missing_scope user (users:roles)"]);
        }
    }

    #[tokio::test]
    async fn other_changes_by_a_key_are_permitted() {
        let all = "users:read,users:write,users:roles,auth";
        let unchanged =
            || UpdateUser { email: new_email("john@example.com").email, ..new_username("john_doe") };
        for (scopes, found, command) in [
            (all, administrator(), new_password()),
            ("users:write", user(), new_password()),
            ("users:write", user(), new_email("jane@example.com")),
            ("users:write", administrator(), unchanged()),
            ("users:write", administrator(), UpdateUser::default()),
        ] {
            let mut mocks = Mocks::new();
            mocks.users.expect_find().returning(move |_| Ok(Some(found.clone())));
            mocks.hasher.expect_hash().returning(|_, _| Ok(PasswordHash::new("new hash".to_owned())));
            mocks.users.expect_update().once().returning(|_, _, _| Ok(UpdateOutcome::Updated(user())));
            let auth = mocks.auth().with_api_key(&api_key(scopes));
            auth.update_user(user().id, command).await.expect("updated");
        }
    }

    #[tokio::test]
    async fn an_unknown_user_is_not_found_with_any_key() {
        let mut mocks = Mocks::new();
        mocks.users.expect_find().once().returning(|_| Ok(None));
        mocks.users.expect_update().never();
        let auth = mocks.auth().with_api_key(&api_key("users:write"));
        let error = auth.update_user(user().id, new_password()).await.expect_err("unchanged");
        assert!(matches!(error, UpdateUserError::NotFound));
    }

    #[tokio::test]
    async fn the_reason_for_no_change_is_reported() {
        let answer = async |outcome: UpdateOutcome| {
            let mut mocks = Mocks::new();
            mocks.users.expect_update().once().returning(move |_, _, _| Ok(outcome.clone()));
            let recorder = mocks.recorder();
            let error = mocks.auth().update_user(user().id, UpdateUser::default()).await;
            (error.expect_err("unchanged"), recorder.lines())
        };
        let (error, recorded) = answer(UpdateOutcome::NotFound).await;
        assert!(matches!(error, UpdateUserError::NotFound));
        assert_eq!(recorded, Vec::<String>::new());
        let (error, recorded) = answer(UpdateOutcome::Taken(IdentifierKind::Username)).await;
        assert!(matches!(error, UpdateUserError::Taken(IdentifierKind::Username)));
        assert_eq!(recorded, ["user.updated name_taken user (username)"]);
    }
}
