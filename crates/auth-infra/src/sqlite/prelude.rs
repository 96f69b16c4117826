//! SQLite as the files in `sql/shared/` see it.

use auth_domain::model::{User, UserId, UserRef};
use auth_domain::ports::{PortError, UserRepository as _};
pub(super) use sqlx::sqlite::{SqliteConnection as Connection, SqliteRow as Row};

pub(super) use super::SqliteStore as Store;
pub(super) use super::group_commit::GroupCommit as StoreThread;
pub(super) use super::refresh::{judge_locked, write_verdict};
pub(super) use super::result_codes::classify;
pub(super) use super::revoked_rows::commit_revoking;
pub(super) use super::shared::error::DbError;
pub(super) use super::values::{DbTime, from_time, to_time};

/// A transaction has the database to itself from the start: one that begins by reading cannot always go on to write.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

pub(super) const MIGRATIONS_EXIST: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";

/// Empty, because a transaction has the database to itself.
macro_rules! row_lock {
    () => {
        ""
    };
}

/// A file of `statements/`, included in `sql/shared/`.
macro_rules! statement {
    ($name:literal) => {
        include_str!(concat!("../../sqlite/statements/", $name, ".sql"))
    };
}

pub(super) use {row_lock, statement};

/// Does nothing: a transaction has the database to itself.
pub(super) async fn lock_external_ids(_connection: &mut Connection) -> Result<(), DbError> {
    Ok(())
}

#[expect(clippy::unused_self, reason = "only the other engine has a cache of users")]
impl Store {
    pub(super) fn invalidate_on_drop(&self, _user: UserId) -> impl Sized {}

    /// Finds a user. There is no cache: a read costs a small part of an answer here.
    pub(super) async fn find_cached(&self, user: UserId) -> Result<Option<User>, PortError> {
        self.find(&UserRef::Id(user)).await
    }
}
