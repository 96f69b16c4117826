//! The port to the stored users.

use async_trait::async_trait;

use super::PortError;
use crate::model::{
    IdentifierKey, IdentifierKind, ImportOutcome, ImportedUser, LoginRecord, NewUser, PasswordHash,
    PasswordVersion, Roles, Timestamp, User, UserChanges, UserId, UserNumber, UserRef, UserStatus,
};

/// What came of registering a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and nearly always it is the large one")]
pub enum RegisterOutcome {
    /// The user is stored.
    Registered(User),
    /// Another user has this identifier; if both are taken, it is the username that is named.
    Taken(IdentifierKind),
}

/// What came of changing a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and nearly always it is the large one")]
pub enum UpdateOutcome {
    /// The user as changed.
    Updated(User),
    /// There is no such user.
    NotFound,
    /// Another user has this identifier; if both are taken, it is the username that is named.
    Taken(IdentifierKind),
}

/// Keeps users and their passwords. Each method is one transaction: it happens whole or not at all.
///
/// - MUST give back every member of a user as it was stored.
/// - MUST give each user a number of their own, 1 or more and below 2^53, greater than every number given before.
/// - MUST keep identifiers unique by their keys, usernames and e-mail addresses in one space: of any number of
///   concurrent writers of one key, exactly one succeeds.
/// - MUST free a user's identifiers when they are changed and when the user is deleted.
/// - MUST leave an e-mail address unverified when it is changed to one with another key.
/// - MUST end every session of a user whose password is changed, whose roles become others or who is suspended, in the
///   same transaction.
/// - MUST delete a user with everything that belongs to them, sessions included.
/// - MUST count a new [`PasswordVersion`] for each change of a password, and none for a better hash of the same one.
/// - MUST judge a batch that is imported as [`judge_import`](crate::model::judge_import) does, and store those whom that
///   lets in and nobody else, while no other writer takes a name in between.
/// - MUST know whom it has imported by their [`ImportDigest`](crate::model::ImportDigest) for as long as they are there,
///   whatever has changed about them.
/// - MUST change nothing when it answers that a user is absent, an identifier taken or a version outdated.
/// - MUST show by `find_recent` at once what was written through the same process before, and nothing that was older than
///   a second for as long as the store can be reached, nor what was older than five seconds in any case: then it asks.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// Stores a new user.
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError>;

    /// Stores users whom another service knew, all of a batch in one transaction: a few hundred, so that it is as short
    /// as any other. What came of each, in their order.
    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError>;

    /// The user of this name.
    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError>;

    /// The user with this id as they are, or as they were a moment ago: enough to show them, and not to decide what may be
    /// done or what is to change. A store that remembers nobody asks each time, as here.
    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.find(&UserRef::Id(user)).await
    }

    /// The user who has this identifier, with the password to be proven.
    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError>;

    /// The user with this id, with the password to be proven.
    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError>;

    /// At most `limit` users with numbers above `after`, in ascending order of their numbers.
    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError>;

    /// Changes what `changes` names.
    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError>;

    /// Changes the password, unless it was changed since `version`; `false` if so, or if there is no such user.
    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError>;

    /// Puts a better hash of the same password in the place of `old`, unless another took it; `false` if so.
    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError>;

    /// Sets whether the user may log in. The user as changed; `None` when there is no such user.
    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError>;

    /// Sets what the user may do. The user as changed; `None` when there is no such user.
    async fn set_roles(&self, user: UserId, roles: &Roles, now: Timestamp)
    -> Result<Option<User>, PortError>;

    /// Deletes the user; `false` when there is no such user.
    async fn delete(&self, user: UserId) -> Result<bool, PortError>;
}
