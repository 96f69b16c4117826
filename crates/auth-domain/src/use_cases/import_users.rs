//! Import users of another service with their password hashes.

use thiserror::Error;

use crate::UseCases;
use crate::model::{
    DisplayName, ExternalId, IdentifierKind, Identifiers, ImportOutcome, ImportRehearsal, ImportedUser,
    Metadata, NewUser, PasswordHash, PhoneNumber, Roles, Timestamp, UserId, UserStatus, uuid_v7,
};
use crate::ports::{HashStrength, InvalidHash, PortError};

/// A user of another service.
#[derive(Debug)]
#[non_exhaustive]
pub struct ImportUser {
    /// The identifiers with which the user logs in.
    pub identifiers: Identifiers,
    /// The hash that the other service made. The first login replaces it with a hash of this service. Without one, the
    /// user cannot log in with a password until one is set.
    pub password_hash: Option<PasswordHash>,
    /// The display name.
    pub display_name: Option<DisplayName>,
    /// The phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The permissions.
    pub roles: Roles,
    /// Whether the other service has verified the e-mail address.
    pub email_verified: bool,
    /// Whether the user may log in.
    pub status: UserStatus,
    /// The time of registration with the other service. `None` means now.
    pub created_at: Option<Timestamp>,
    /// The id in the other service.
    pub external_id: Option<ExternalId>,
    /// The data of the embedding program.
    pub metadata: Option<Metadata>,
}

impl ImportUser {
    /// Creates an active user without a password, optional members and roles, who registers now.
    #[must_use]
    pub fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            password_hash: None,
            display_name: None,
            phone_number: None,
            roles: Roles::default(),
            email_verified: false,
            status: UserStatus::Active,
            created_at: None,
            external_id: None,
            metadata: None,
        }
    }

    /// Sets the hash that the other service made.
    #[must_use]
    pub fn with_password_hash(self, password_hash: PasswordHash) -> Self {
        Self { password_hash: Some(password_hash), ..self }
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

    /// Sets the permissions.
    #[must_use]
    pub fn with_roles(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// Sets whether the other service has verified the e-mail address.
    #[must_use]
    pub fn with_email_verified(self, email_verified: bool) -> Self {
        Self { email_verified, ..self }
    }

    /// Sets whether the user may log in.
    #[must_use]
    pub fn with_status(self, status: UserStatus) -> Self {
        Self { status, ..self }
    }

    /// Sets the time of registration with the other service.
    #[must_use]
    pub fn with_created_at(self, at: Timestamp) -> Self {
        Self { created_at: Some(at), ..self }
    }

    /// Sets the id in the other service.
    #[must_use]
    pub fn with_external_id(self, id: ExternalId) -> Self {
        Self { external_id: Some(id), ..self }
    }

    /// Sets the data of the embedding program.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata: Some(metadata), ..self }
    }
}

/// How an imported user came to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSuccess {
    /// This import stored the user under this id.
    Imported(UserId),
    /// An earlier import stored the same user, who has this id. Nothing has changed.
    AlreadyImported(UserId),
}

/// The user was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportUserError {
    /// Another user has this identifier.
    #[error("another user has this identifier")]
    Taken(IdentifierKind),
    /// Another user has this external id.
    #[error("another user has this external id")]
    ExternalIdTaken,
    /// The hash is not accepted.
    #[error("the hash {0}")]
    Hash(InvalidHash),
    /// The e-mail address is marked as verified, but there is none.
    #[error("the e-mail address is marked as verified, but there is none")]
    NoEmail,
}

impl UseCases {
    /// Imports a batch of up to a few hundred users, and returns the outcomes in the order of the batch. Repeating an
    /// import is safe.
    ///
    /// # Errors
    /// [`PortError`] when a port fails. No user of the batch was stored, or the answer was lost.
    pub async fn import_users(
        &self,
        batch: Vec<ImportUser>,
    ) -> Result<Vec<Result<ImportSuccess, ImportUserError>>, PortError> {
        let (accepted, checked) = self.check_imports(batch);
        let outcomes =
            if accepted.is_empty() { Vec::new() } else { self.core.ports.users.import(&accepted).await? };
        Ok(merge(checked, outcomes))
    }

    /// Returns what [`import_users`](Self::import_users) would return after the earlier batches of `rehearsal`. Nothing is
    /// stored, and the ids of users that would be imported are not those of a later import.
    ///
    /// # Errors
    /// [`PortError`] when a port fails.
    pub async fn rehearse_import(
        &self,
        batch: Vec<ImportUser>,
        rehearsal: &mut ImportRehearsal,
    ) -> Result<Vec<Result<ImportSuccess, ImportUserError>>, PortError> {
        let (accepted, checked) = self.check_imports(batch);
        let state = self.core.ports.users.find_import_state(&accepted).await?;
        Ok(merge(checked, rehearsal.judge(&accepted, state)))
    }

    /// Returns how well the hash of another service protects its password.
    ///
    /// # Errors
    /// [`InvalidHash`] when the hash cannot be imported.
    pub fn hash_strength(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash> {
        self.core.ports.hasher.accept(hash)
    }

    /// Returns the acceptable users of a batch, and for each user of the batch the id or why it is not acceptable.
    fn check_imports(
        &self,
        batch: Vec<ImportUser>,
    ) -> (Vec<ImportedUser>, Vec<Result<UserId, ImportUserError>>) {
        let mut accepted = Vec::with_capacity(batch.len());
        let mut checked = Vec::with_capacity(batch.len());
        for user in batch {
            checked.push(self.check_import(user).map(|imported| {
                let id = imported.user.id;
                accepted.push(imported);
                id
            }));
        }
        (accepted, checked)
    }

    /// Checks everything about a user that does not depend on other users.
    fn check_import(&self, user: ImportUser) -> Result<ImportedUser, ImportUserError> {
        if let Some(hash) = &user.password_hash {
            self.core.ports.hasher.accept(hash).map_err(ImportUserError::Hash)?;
        }
        if user.email_verified && user.identifiers.email().is_none() {
            return Err(ImportUserError::NoEmail);
        }
        let now = self.core.ports.clock.now();
        let new = NewUser {
            id: UserId(uuid_v7(now, &*self.core.ports.random)),
            identifiers: user.identifiers,
            display_name: user.display_name,
            phone_number: user.phone_number,
            roles: user.roles,
            password_hash: user.password_hash,
            created_at: user.created_at.unwrap_or(now),
            metadata: user.metadata,
        };
        let ImportUser { email_verified, status, external_id, .. } = user;
        Ok(ImportedUser { user: new, email_verified, status, external_id })
    }
}

/// Merges the outcomes of the accepted users with the errors of the others, in the order of the batch.
fn merge(
    checked: Vec<Result<UserId, ImportUserError>>,
    outcomes: Vec<ImportOutcome>,
) -> Vec<Result<ImportSuccess, ImportUserError>> {
    let mut outcomes = outcomes.into_iter();
    let mut results = Vec::with_capacity(checked.len());
    for user in checked {
        match user {
            Ok(id) => results.extend(outcomes.next().map(|outcome| import_result(id, outcome))),
            Err(error) => results.push(Err(error)),
        }
    }
    results
}

fn import_result(id: UserId, outcome: ImportOutcome) -> Result<ImportSuccess, ImportUserError> {
    match outcome {
        ImportOutcome::Imported => Ok(ImportSuccess::Imported(id)),
        ImportOutcome::AlreadyImported(earlier) => Ok(ImportSuccess::AlreadyImported(earlier)),
        ImportOutcome::Taken(kind) => Err(ImportUserError::Taken(kind)),
        ImportOutcome::ExternalIdTaken => Err(ImportUserError::ExternalIdTaken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImportState, Username};
    use crate::use_cases::fixture::{Mocks, NOW, unavailable, user};

    fn imported_user(hash: &str) -> ImportUser {
        ImportUser {
            identifiers: user().identifiers,
            password_hash: Some(PasswordHash::new(hash.to_owned())),
            display_name: None,
            phone_number: None,
            roles: Roles::parse("customer").expect("roles"),
            email_verified: true,
            status: UserStatus::Suspended,
            created_at: None,
            external_id: None,
            metadata: None,
        }
    }

    /// Mocks whose hasher accepts hashes by their first letter.
    fn mocks() -> Mocks {
        let mut mocks = Mocks::new();
        mocks.hasher.expect_accept().returning(|hash| match hash.expose().chars().next() {
            Some('g') => Ok(HashStrength::Strong),
            Some('c') => Err(InvalidHash::TooCostly("2 s".to_owned())),
            _ => Err(InvalidHash::Unsupported),
        });
        mocks.hasher.expect_hash().never();
        mocks
    }

    #[tokio::test]
    async fn outcomes_are_returned_in_batch_order() {
        let mut mocks = mocks();
        mocks
            .users
            .expect_import()
            .once()
            .withf(|batch| {
                let hashes: Vec<_> =
                    batch.iter().filter_map(|each| each.user.password_hash.as_ref()).collect();
                hashes.iter().map(|hash| hash.expose()).eq(["good 1", "good 2", "good 3"])
            })
            .returning(|_| {
                use ImportOutcome::{AlreadyImported, ExternalIdTaken, Imported, Taken};
                Ok(vec![AlreadyImported(user().id), Taken(IdentifierKind::Email), Imported, ExternalIdTaken])
            });
        let mut batch: Vec<_> = ["costly", "good 1", "unknown", "good 2", "good 3"].map(imported_user).into();
        batch.push(ImportUser { password_hash: None, ..imported_user("") });
        let results = mocks.auth().import_users(batch).await.expect("no error");
        assert_eq!(results[0], Err(ImportUserError::Hash(InvalidHash::TooCostly("2 s".to_owned()))));
        assert_eq!(results[1], Ok(ImportSuccess::AlreadyImported(user().id)));
        assert_eq!(results[2], Err(ImportUserError::Hash(InvalidHash::Unsupported)));
        assert_eq!(results[3], Err(ImportUserError::Taken(IdentifierKind::Email)));
        assert!(matches!(results[4], Ok(ImportSuccess::Imported(id)) if id.0.get_version_num() == 7));
        assert_eq!(results[5..], [Err(ImportUserError::ExternalIdTaken)]);
    }

    #[tokio::test]
    async fn all_properties_of_an_imported_user_are_stored() {
        let mut mocks = mocks();
        let external_id = ExternalId::parse("auth0|1").ok();
        let first = ImportUser { external_id: external_id.clone(), ..imported_user("good") };
        let then = NOW.minus(std::time::Duration::from_secs(1_000));
        mocks
            .users
            .expect_import()
            .once()
            .withf(move |batch| {
                batch[0].user.identifiers == user().identifiers
                    && batch[0].user.roles.to_string() == "customer"
                    && batch[0].user.id.0.get_version_num() == 7
                    && batch[0].email_verified
                    && batch[0].status == UserStatus::Suspended
                    && batch[0].user.created_at == NOW
                    && batch[0].external_id == external_id
                    && batch[1].user.created_at == then
                    && batch[1].user.password_hash.is_none()
            })
            .returning(|batch| Ok(vec![ImportOutcome::Imported; batch.len()]));
        let second = ImportUser { created_at: Some(then), password_hash: None, ..imported_user("") };
        let results = mocks.auth().import_users(vec![first, second]).await.expect("no error");
        assert!(results.iter().all(|result| matches!(result, Ok(ImportSuccess::Imported(_)))));
    }

    #[tokio::test]
    async fn a_rehearsal_stores_nothing_and_finds_repeated_names() {
        let mut mocks = mocks();
        mocks.users.expect_import().never();
        mocks.users.expect_find_import_state().times(2).returning(|_| Ok(ImportState::default()));
        let auth = mocks.auth();
        let mut rehearsal = ImportRehearsal::default();
        let first = vec![imported_user("costly"), imported_user("good 1")];
        let results = auth.rehearse_import(first, &mut rehearsal).await.expect("no error");
        assert!(matches!(
            results[..],
            [Err(ImportUserError::Hash(InvalidHash::TooCostly(_))), Ok(ImportSuccess::Imported(_))]
        ));
        let second = vec![imported_user("good 1"), imported_user("good 2")];
        let results = auth.rehearse_import(second, &mut rehearsal).await.expect("no error");
        assert!(matches!(
            results[..],
            [Ok(ImportSuccess::AlreadyImported(_)), Err(ImportUserError::Taken(IdentifierKind::Username))]
        ));
    }

    #[tokio::test]
    async fn a_verified_email_requires_an_address() {
        let mut mocks = mocks();
        mocks.users.expect_import().never();
        let username = Username::parse("jane").expect("a username");
        let identifiers = Identifiers::new(Some(username), None).expect("a name");
        let batch = vec![ImportUser { identifiers, ..imported_user("good") }];
        let results = mocks.auth().import_users(batch).await.expect("no error");
        assert_eq!(results, [Err(ImportUserError::NoEmail)]);
    }

    #[tokio::test]
    async fn a_store_error_rejects_no_user() {
        let mut mocks = mocks();
        mocks.users.expect_import().once().returning(|_| Err(unavailable()));
        let error = mocks.auth().import_users(vec![imported_user("good")]).await.expect_err("unavailable");
        assert!(matches!(error, PortError::Unavailable(_)));
    }
}
