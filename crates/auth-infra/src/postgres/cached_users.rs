//! The cache of users in front of the table.

use auth_domain::model::{User, UserId, UserRef};
use auth_domain::ports::{PortError, UserRepository as _};

use super::PostgresStore;
use super::user_cache::ChangeGuard;

impl PostgresStore {
    /// Invalidates the cached user when the call ends, also if it fails or is cancelled: the commit may have happened in each
    /// case.
    pub(super) fn invalidate_on_drop(&self, user: UserId) -> ChangeGuard<'_> {
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
