//! Users that were read recently and have not changed since.
//!
//! Each change removes its user. A change of this process does so at once, and a change of another process when the
//! revocation feed's connection reports it. While no connection listens, the cache is off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_domain::model::{User, UserId};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

/// Change counters. Several users share one, so a change may prevent the caching of another user. That costs one read.
const COUNTERS: usize = 16;
/// The maximum number of cached users: about 16 MiB, and at most 64 MiB more if every user has the longest metadata.
const CAPACITY: usize = 16_384;

/// Users as they are stored.
pub(super) struct UserCache {
    /// Whether changes by other processes are reported.
    enabled: AtomicBool,
    users: Cache<UserId, Arc<User>>,
    /// How often a user was removed. A user who was read before a change and inserted after it would stay outdated.
    /// An insertion therefore compares the counter with its value before the read. The lock makes each comparison and its
    /// insertion, and each increment and its removal, one step.
    changes: [Mutex<u64>; COUNTERS],
}

/// A change of a user in progress. The user is removed when it is dropped: after success, failure and cancellation.
#[must_use]
pub(super) struct ChangeGuard<'a> {
    cache: &'a UserCache,
    user: UserId,
}

/// While this exists, changes by other processes are reported and the cache is on.
#[must_use]
pub(super) struct EnabledGuard<'a>(&'a UserCache);

impl UserCache {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            enabled: AtomicBool::new(false),
            users: Cache::new(capacity),
            changes: std::array::from_fn(|_| Mutex::default()),
        }
    }

    pub(super) fn get(&self, user: UserId) -> Option<Arc<User>> {
        if !self.enabled.load(Ordering::SeqCst) {
            return None;
        }
        self.users.get(&user)
    }

    /// The change counter of a user. The caller takes it before it reads the user.
    pub(super) fn change_count(&self, user: UserId) -> u64 {
        *self.changes(user).lock()
    }

    /// Inserts a user who was read after `before` was taken, unless the user may have changed since.
    pub(super) fn insert_unless_changed(&self, user: &User, before: u64) {
        let cached = Arc::new(user.clone());
        let changes = self.changes(user.id).lock();
        if *changes == before {
            self.users.insert(user.id, cached);
        }
    }

    pub(super) fn invalidate_on_drop(&self, user: UserId) -> ChangeGuard<'_> {
        ChangeGuard { cache: self, user }
    }

    /// Removes a user who has changed.
    pub(super) fn invalidate(&self, user: UserId) {
        let mut changes = self.changes(user).lock();
        *changes += 1;
        self.users.remove(&user);
    }

    pub(super) fn clear(&self) {
        // The counters first: an insertion of a user who was read before this is refused, or is done before the removal.
        for changes in &self.changes {
            *changes.lock() += 1;
        }
        self.users.clear();
    }

    /// Turns the cache on, because changes are reported from now on. It starts empty: earlier changes were not reported.
    pub(super) fn enable(&self) -> EnabledGuard<'_> {
        self.clear();
        self.enabled.store(true, Ordering::SeqCst);
        EnabledGuard(self)
    }

    fn changes(&self, user: UserId) -> &Mutex<u64> {
        // The last byte of a UUID is random, in version 7 too (RFC 9562, section 5.7).
        &self.changes[usize::from(user.0.as_bytes()[15]) % COUNTERS]
    }
}

impl Default for UserCache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Drop for ChangeGuard<'_> {
    fn drop(&mut self) {
        self.cache.invalidate(self.user);
    }
}

impl Drop for EnabledGuard<'_> {
    fn drop(&mut self) {
        self.0.enabled.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{Identifiers, Roles, Timestamp, UserNumber, UserStatus, Username};
    use sqlx::types::Uuid;

    use super::*;

    fn id(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn user(number: u128) -> User {
        User {
            id: id(number),
            number: UserNumber(1),
            identifiers: Identifiers::new(Username::parse("jane").ok(), None).expect("a name"),
            display_name: None,
            phone_number: None,
            email_verified: false,
            status: UserStatus::Active,
            roles: Roles::default(),
            created_at: Timestamp::UNIX_EPOCH,
            external_id: None,
            metadata: None,
        }
    }

    fn insert_unless_changed(users: &UserCache, number: u128) {
        users.insert_unless_changed(&user(number), users.change_count(id(number)));
    }

    fn contains(users: &UserCache, number: u128) -> bool {
        users.get(id(number)).is_some_and(|found| *found == user(number))
    }

    #[test]
    fn an_inserted_user_is_cached_until_invalidated() {
        let users = UserCache::default();
        let _enabled = users.enable();
        (0..100).for_each(|number| insert_unless_changed(&users, number));
        assert!((0..100).all(|number| contains(&users, number)));
        assert!(!contains(&users, 100));
        users.invalidate(id(7));
        assert!((0..100).all(|number| contains(&users, number) == (number != 7)));
        users.clear();
        assert!(!(0..100).any(|number| contains(&users, number)));
    }

    #[test]
    fn a_user_changed_during_the_read_is_not_inserted() {
        let users = UserCache::default();
        let _enabled = users.enable();
        let changes: [fn(&UserCache); 3] = [
            |users| users.invalidate(id(1)),
            |users| drop(users.invalidate_on_drop(id(1))),
            UserCache::clear,
        ];
        for invalidate_on_drop in changes {
            let before = users.change_count(id(1));
            invalidate_on_drop(&users);
            users.insert_unless_changed(&user(1), before);
            assert!(!contains(&users, 1));
        }
        insert_unless_changed(&users, 1);
        assert!(contains(&users, 1));
    }

    #[test]
    fn a_change_invalidates_its_user_when_it_ends() {
        let users = UserCache::default();
        let _enabled = users.enable();
        insert_unless_changed(&users, 1);
        let changing = users.invalidate_on_drop(id(1));
        // As a reader does that read before the commit.
        insert_unless_changed(&users, 1);
        drop(changing);
        assert!(!contains(&users, 1));
    }

    #[test]
    fn the_cache_is_off_while_changes_are_not_reported() {
        let users = UserCache::default();
        insert_unless_changed(&users, 1);
        assert!(!contains(&users, 1));
        let before = users.change_count(id(2));
        let enabled = users.enable();
        assert!(!contains(&users, 1), "a invalidate_on_drop may have gone unheard");
        users.insert_unless_changed(&user(2), before);
        assert!(!contains(&users, 2), "a user in the middle of a read may have changed as well");
        insert_unless_changed(&users, 1);
        assert!(contains(&users, 1));
        drop(enabled);
        assert!(!contains(&users, 1));
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_a_user_in_constant_use() {
        let users = UserCache::with_capacity(320);
        let _enabled = users.enable();
        insert_unless_changed(&users, 0);
        for number in 1..10_000 {
            insert_unless_changed(&users, number);
            assert!(contains(&users, 0), "after {number} others");
        }
        assert!((160..=320).contains(&users.users.len()), "{}", users.users.len());
    }
}
