//! Users who were read a moment ago and have not changed since.
//!
//! Each invalidate_on_drop makes this process invalidate the user: its own as soon as it is made, those of others when the connection of
//! the [watch](super::watch) hears of them. While nobody listens, nobody is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth_domain::model::{User, UserId};

use crate::recent::Recent;

/// Parts that are locked by themselves, so that threads rarely wait for each other.
const PARTS: usize = 16;
/// How many users are known at the most: some 16 MiB.
const CAPACITY: usize = 16_384;

/// Users as they are stored.
pub(super) struct UserCache {
    /// Whether changes that others make are heard of.
    enabled: AtomicBool,
    parts: [Mutex<Part>; PARTS],
}

struct Part {
    users: Recent<UserId, User>,
    /// How often somebody was forgotten.
    changes: u64,
}

/// How often somebody had been forgotten, of those in the same part as a user who is about to be read.
#[derive(Clone, Copy)]
pub(super) struct ChangeCount(u64);

/// A invalidate_on_drop of a user at work. When it ends, whichever way, the user is forgotten.
#[must_use]
pub(super) struct ChangeGuard<'a> {
    users: &'a UserCache,
    user: UserId,
}

/// For as long as it lives, changes that others make are heard of.
#[must_use]
pub(super) struct EnabledGuard<'a>(&'a UserCache);

impl UserCache {
    fn with_capacity(bound: usize) -> Self {
        let part = || Mutex::new(Part { users: Recent::bounded(bound / PARTS), changes: 0 });
        Self { enabled: AtomicBool::new(false), parts: std::array::from_fn(|_| part()) }
    }

    /// The user, if known.
    pub(super) fn get(&self, user: UserId) -> Option<Arc<User>> {
        if !self.enabled.load(Ordering::SeqCst) {
            return None;
        }
        self.part(user, |part| part.users.find(&user))
    }

    /// To be asked before a user is read, so that it is known afterwards whether they may have changed meanwhile.
    pub(super) fn change_count(&self, user: UserId) -> ChangeCount {
        self.part(user, |part| ChangeCount(part.changes))
    }

    /// Keeps a user who was read since `before`, unless they may have changed since.
    pub(super) fn insert_unless_changed(&self, user: &User, before: ChangeCount) {
        let kept = Arc::new(user.clone());
        self.part(user.id, |part| {
            if part.changes == before.0 {
                part.users.add(user.id, kept);
            }
        });
    }

    /// Begins a invalidate_on_drop of a user.
    pub(super) fn invalidate_on_drop(&self, user: UserId) -> ChangeGuard<'_> {
        ChangeGuard { users: self, user }
    }

    /// Forgets a user who has changed.
    pub(super) fn invalidate(&self, user: UserId) {
        self.part(user, |part| {
            part.changes += 1;
            part.users.remove(&user);
        });
    }

    /// Forgets everybody.
    pub(super) fn clear(&self) {
        for part in &self.parts {
            locked(part, |part| {
                part.changes += 1;
                part.users.clear();
            });
        }
    }

    /// Says that changes are heard of from now on, and forgets who may have changed before.
    pub(super) fn enable(&self) -> EnabledGuard<'_> {
        self.clear();
        self.enabled.store(true, Ordering::SeqCst);
        EnabledGuard(self)
    }

    fn part<T>(&self, user: UserId, work: impl FnOnce(&mut Part) -> T) -> T {
        // The last byte of a UUID is chance, of version 7 too (RFC 9562, section 5.7).
        locked(&self.parts[usize::from(user.0.as_bytes()[15]) % PARTS], work)
    }
}

impl Default for UserCache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Drop for ChangeGuard<'_> {
    fn drop(&mut self) {
        self.users.invalidate(self.user);
    }
}

impl Drop for EnabledGuard<'_> {
    fn drop(&mut self) {
        self.0.enabled.store(false, Ordering::SeqCst);
    }
}

fn locked<T>(part: &Mutex<Part>, work: impl FnOnce(&mut Part) -> T) -> T {
    work(&mut part.lock().unwrap_or_else(PoisonError::into_inner))
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
        }
    }

    fn insert_unless_changed(users: &UserCache, number: u128) {
        users.insert_unless_changed(&user(number), users.change_count(id(number)));
    }

    fn contains(users: &UserCache, number: u128) -> bool {
        users.get(id(number)).is_some_and(|found| *found == user(number))
    }

    #[test]
    fn who_was_kept_is_known_until_they_are_forgotten_and_nobody_else() {
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
    fn who_changes_while_they_are_read_is_not_kept() {
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
    fn a_change_is_known_when_it_ends_whichever_way() {
        let users = UserCache::default();
        let _enabled = users.enable();
        insert_unless_changed(&users, 1);
        let changing = users.invalidate_on_drop(id(1));
        // As by somebody who read before the commit.
        insert_unless_changed(&users, 1);
        drop(changing);
        assert!(!contains(&users, 1));
    }

    #[test]
    fn nobody_is_known_before_changes_are_heard_of_and_when_they_are_not_any_more() {
        let users = UserCache::default();
        insert_unless_changed(&users, 1);
        assert!(!contains(&users, 1));
        let before = users.change_count(id(2));
        let enabled = users.enable();
        assert!(!contains(&users, 1), "a invalidate_on_drop may have gone unheard");
        users.insert_unless_changed(&user(2), before);
        assert!(!contains(&users, 2), "who was being read then may have changed as well");
        insert_unless_changed(&users, 1);
        assert!(contains(&users, 1));
        drop(enabled);
        assert!(!contains(&users, 1));
    }

    #[test]
    fn there_are_never_more_than_the_bound_and_who_is_asked_for_again_and_again_stays() {
        let users = UserCache::with_capacity(320);
        let _enabled = users.enable();
        insert_unless_changed(&users, 0);
        for number in 1..10_000 {
            insert_unless_changed(&users, number);
            assert!(contains(&users, 0), "after {number} others");
        }
        assert!(!contains(&users, 1), "nobody asked for them");
        let count: usize = users.parts.iter().map(|part| locked(part, |part| part.users.len())).sum();
        assert!((160..=320).contains(&count), "{count}");
    }
}
