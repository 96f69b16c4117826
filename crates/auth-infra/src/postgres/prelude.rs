//! PostgreSQL as the files in `sql/shared/` see it.

use auth_domain::model::{User, UserId, UserRef};
use auth_domain::ports::{PortError, UserRepository as _};
pub(super) use sqlx::postgres::{PgConnection as Connection, PgRow as Row};

pub(super) use super::PostgresStore as Store;
pub(super) use super::database::Database;
pub(super) use super::error::DbError;
pub(super) use super::values::{DbTime, from_time, to_time};

pub(super) const BEGIN: &str = "BEGIN";

pub(super) const MIGRATIONS_EXIST: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

pub(super) const INSERT_SESSION: &str = include_str!("statements/insert_session.sql");

/// Locks the selected rows against other writers.
macro_rules! row_lock {
    () => {
        " FOR NO KEY UPDATE"
    };
}

pub(super) use row_lock;

impl Store {
    /// Invalidates the cached user when the call ends, also if it fails or is cancelled: the commit may have happened in each
    /// case.
    pub(super) fn invalidate_on_drop(&self, user: UserId) -> impl Sized {
        self.user_cache.invalidate_on_drop(user)
    }

    /// Finds a user in the cache, or else in the database.
    pub(super) async fn find_cached(&self, user: UserId) -> Result<Option<User>, PortError> {
        if let Some(cached) = self.user_cache.get(user)
            && self.db.revoked().is_fresh()
        {
            return Ok(Some(User::clone(&cached)));
        }
        // The count is taken before the read: a user who changes in the meantime is not cached.
        let before = self.user_cache.change_count(user);
        let found = self.find(&UserRef::Id(user)).await?;
        if let Some(user) = &found {
            self.user_cache.insert_unless_changed(user, before);
        }
        Ok(found)
    }
}
