//! The port to stored users.

use async_trait::async_trait;

use super::PortError;
use crate::model::{
    IdentifierKey, IdentifierKind, ImportOutcome, ImportState, ImportedUser, LoginRecord, NewUser,
    PasswordHash, PasswordVersion, Roles, Timestamp, User, UserChanges, UserId, UserNumber, UserRef,
    UserStatus,
};

/// The outcome of registering a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and nearly always it is the large one")]
pub enum RegisterOutcome {
    /// The user is stored.
    Registered(User),
    /// Another user has this identifier. If both are taken, the username is reported.
    Taken(IdentifierKind),
}

/// The outcome of changing a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and nearly always it is the large one")]
pub enum UpdateOutcome {
    /// The user after the change.
    Updated(User),
    /// There is no such user.
    NotFound,
    /// Another user has this identifier. If both are taken, the username is reported.
    Taken(IdentifierKind),
}

/// Stores users and their passwords. Each method is one transaction.
///
/// - MUST return every member of a user as it was stored.
/// - MUST find a user by the id, the number, the external id or the key of an identifier. It compares the whole value, and
///   nothing else finds a user.
/// - MUST list users in ascending order of their numbers, at most `limit` of them, and all that are above `after`.
/// - MUST assign each user a unique number, at least 1 and below 2^53, greater than every number assigned before.
/// - MUST keep identifiers unique by their keys, usernames and e-mail addresses in one space. Of any number of
///   concurrent writers of one key, exactly one succeeds.
/// - MUST return [`PortError::Corrupt`], and store nothing of the call, when the id of a new user is taken. Of an import,
///   only the users that [`judge_import`](crate::model::judge_import) accepts are new: a repeated import reports no error.
/// - MUST release the identifiers of a user when they are changed and when the user is deleted.
/// - MUST change the members that a call names, and no other member and no other user. Concurrent changes of one user MUST all
///   take effect: none restores what it has read before another one was written.
/// - MUST mark an e-mail address as unverified when it is changed to one with another key.
/// - MUST end every session of a user whose password or roles change or who is suspended, in the same transaction.
///   An expired session ends as well. A session that has ended keeps its end.
/// - MUST delete a user with all dependent data, including the sessions.
/// - MUST increment the [`PasswordVersion`] with each change of a password, but not with a better hash of the same
///   password.
/// - MUST change a password only if its version, and upgrade a hash only if the stored hash, is the given one. The comparison
///   and the write are one step: of any number of concurrent calls, exactly one succeeds.
/// - MUST decide on an imported batch as [`judge_import`](crate::model::judge_import) does, and store exactly the users
///   that it accepts. No other writer may take an identifier in between.
/// - MUST keep external ids unique, compared byte by byte, and return them for as long as their users exist.
/// - MUST return from `find_import_state` what [`judge_import`](crate::model::judge_import) needs to decide as `import`
///   would.
/// - MUST recognise imported users by their [`ImportDigest`](crate::model::ImportDigest) for as long as they exist,
///   whatever has changed about them.
/// - MUST change nothing when it reports a missing user, a taken identifier or an outdated version.
/// - MUST store a change durably before the call returns: a program that is started again reads it.
/// - MUST return from `find_recent` every earlier write of the same process. While the store can be reached, the result
///   MUST NOT be older than one second. It MUST NOT be older than five seconds in any case: the store is queried then.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// Stores a new user.
    async fn register(&self, user: &NewUser) -> Result<RegisterOutcome, PortError>;

    /// Stores users of another service, a whole batch in one transaction. A batch has a few hundred users, so that the
    /// transaction is as short as any other. Returns the outcomes in the order of the batch.
    async fn import(&self, batch: &[ImportedUser]) -> Result<Vec<ImportOutcome>, PortError>;

    /// Returns what the store contains of a batch. Nothing is stored.
    async fn find_import_state(&self, batch: &[ImportedUser]) -> Result<ImportState, PortError>;

    /// Returns a user.
    async fn find(&self, user: &UserRef) -> Result<Option<User>, PortError>;

    /// Returns a user in a current or slightly outdated state. This is sufficient for display, but not for a decision
    /// about permissions or changes. The default queries the store, without a cache.
    async fn find_recent(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.find(&UserRef::Id(user)).await
    }

    /// Returns the user with this identifier, and the stored password.
    async fn find_for_login(&self, identifier: &IdentifierKey) -> Result<Option<LoginRecord>, PortError>;

    /// Returns the user with this id, and the stored password.
    async fn find_with_password(&self, user: UserId) -> Result<Option<LoginRecord>, PortError>;

    /// Returns at most `limit` users with numbers above `after`, in ascending order of their numbers.
    async fn list(&self, after: Option<UserNumber>, limit: u32) -> Result<Vec<User>, PortError>;

    /// Applies `changes` to a user.
    async fn update(
        &self,
        user: UserId,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<UpdateOutcome, PortError>;

    /// Changes the password if its version is still `version`. Returns `false` if it is not, or if there is no such
    /// user.
    async fn change_password(
        &self,
        user: UserId,
        version: PasswordVersion,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, PortError>;

    /// Replaces `old` with a better hash of the same password. Returns `false` if `old` is no longer the stored hash.
    async fn upgrade_password_hash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, PortError>;

    /// Sets the status of a user. Returns the user after the change, or `None` when there is no such user.
    async fn set_status(
        &self,
        user: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<Option<User>, PortError>;

    /// Sets the roles of a user. Returns the user after the change, or `None` when there is no such user.
    async fn set_roles(&self, user: UserId, roles: &Roles, now: Timestamp)
    -> Result<Option<User>, PortError>;

    /// Deletes a user. Returns `false` when there is no such user.
    async fn delete(&self, user: UserId) -> Result<bool, PortError>;
}
