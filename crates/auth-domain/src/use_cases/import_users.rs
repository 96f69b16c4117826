//! Import users of another service with their password hashes.

use thiserror::Error;

use crate::Auth;
use crate::model::{
    DisplayName, IdentifierKind, Identifiers, ImportOutcome, ImportedUser, NewUser, PasswordHash,
    PhoneNumber, Roles, Timestamp, UserId, UserStatus, uuid_v7,
};
use crate::ports::{InvalidHash, PortError};

/// A user of another service.
#[derive(Debug)]
pub struct ImportUser {
    /// The identifiers with which the user logs in.
    pub identifiers: Identifiers,
    /// The hash that the other service made. The first login replaces it with a hash of this service.
    pub password_hash: PasswordHash,
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
}

/// How an imported user came to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSuccess {
    /// This import stored the user.
    Imported,
    /// An earlier import stored the same user. Nothing has changed.
    AlreadyImported,
}

/// The user was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportUserError {
    /// Another user has this identifier.
    #[error("another user has this identifier")]
    Taken(IdentifierKind),
    /// The hash is not accepted.
    #[error("the hash {0}")]
    Hash(InvalidHash),
    /// The e-mail address is marked as verified, but there is none.
    #[error("the e-mail address is marked as verified, but there is none")]
    NoEmail,
}

impl Auth {
    /// Imports a batch of up to a few hundred users, and returns the outcomes in the order of the batch. Repeating an
    /// import is safe.
    ///
    /// # Errors
    /// [`PortError`] when a port fails. No user of the batch was stored, or the answer was lost.
    pub async fn import_users(
        &self,
        batch: Vec<ImportUser>,
    ) -> Result<Vec<Result<ImportSuccess, ImportUserError>>, PortError> {
        let checked: Vec<_> = batch.into_iter().map(|user| self.check_import(user)).collect();
        let accepted: Vec<_> = checked.iter().filter_map(|user| user.as_ref().ok()).cloned().collect();
        let stored =
            if accepted.is_empty() { Vec::new() } else { self.ports.users.import(&accepted).await? };

        // The store returns outcomes for the accepted users only; the rejected ones are merged back in batch order.
        let mut stored = stored.into_iter();
        let mut results = Vec::with_capacity(checked.len());
        for user in checked {
            match user {
                Ok(_) => results.extend(stored.next().map(import_result)),
                Err(error) => results.push(Err(error)),
            }
        }
        Ok(results)
    }

    /// Checks everything about a user that does not depend on other users.
    fn check_import(&self, user: ImportUser) -> Result<ImportedUser, ImportUserError> {
        self.ports.hasher.accept(&user.password_hash).map_err(ImportUserError::Hash)?;
        if user.email_verified && user.identifiers.email().is_none() {
            return Err(ImportUserError::NoEmail);
        }
        let now = self.ports.clock.now();
        let new = NewUser {
            id: UserId(uuid_v7(now, &*self.ports.random)),
            identifiers: user.identifiers,
            display_name: user.display_name,
            phone_number: user.phone_number,
            roles: user.roles,
            password_hash: user.password_hash,
            created_at: user.created_at.unwrap_or(now),
        };
        Ok(ImportedUser { user: new, email_verified: user.email_verified, status: user.status })
    }
}

fn import_result(outcome: ImportOutcome) -> Result<ImportSuccess, ImportUserError> {
    match outcome {
        ImportOutcome::Imported => Ok(ImportSuccess::Imported),
        ImportOutcome::AlreadyImported => Ok(ImportSuccess::AlreadyImported),
        ImportOutcome::Taken(kind) => Err(ImportUserError::Taken(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;
    use crate::ports::HashStrength;
    use crate::use_cases::fixture::{Mocks, NOW, unavailable, user};

    fn imported_user(hash: &str) -> ImportUser {
        ImportUser {
            identifiers: user().identifiers,
            password_hash: PasswordHash::new(hash.to_owned()),
            display_name: None,
            phone_number: None,
            roles: Roles::parse("customer").expect("roles"),
            email_verified: true,
            status: UserStatus::Suspended,
            created_at: None,
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
                let hashes: Vec<_> = batch.iter().map(|each| each.user.password_hash.expose()).collect();
                hashes == ["good 1", "good 2", "good 3"]
            })
            .returning(|_| {
                use ImportOutcome::{AlreadyImported, Imported, Taken};
                Ok(vec![AlreadyImported, Taken(IdentifierKind::Email), Imported])
            });
        let batch = ["costly", "good 1", "unknown", "good 2", "good 3"].map(imported_user).into();
        assert_eq!(
            mocks.auth().import_users(batch).await.expect("no error"),
            [
                Err(ImportUserError::Hash(InvalidHash::TooCostly("2 s".to_owned()))),
                Ok(ImportSuccess::AlreadyImported),
                Err(ImportUserError::Hash(InvalidHash::Unsupported)),
                Err(ImportUserError::Taken(IdentifierKind::Email)),
                Ok(ImportSuccess::Imported),
            ]
        );
    }

    #[tokio::test]
    async fn all_properties_of_an_imported_user_are_stored() {
        let mut mocks = mocks();
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
                    && batch[1].user.created_at == then
            })
            .returning(|batch| Ok(vec![ImportOutcome::Imported; batch.len()]));
        let batch =
            vec![imported_user("good"), ImportUser { created_at: Some(then), ..imported_user("good") }];
        assert_eq!(
            mocks.auth().import_users(batch).await.expect("no error"),
            [const { Ok(ImportSuccess::Imported) }; 2]
        );
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
