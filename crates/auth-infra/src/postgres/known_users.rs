//! Users who were read a moment ago and have not changed since.
//!
//! Each change makes this process forget the user: its own as soon as it is made, those of others when the connection of
//! the [watch](super::watch) hears of them. While nobody listens, nobody is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth_domain::model::{User, UserId};

use crate::recent::Recent;

/// Parts that are locked by themselves, so that threads rarely wait for each other.
const PARTS: usize = 16;
/// How many users are known at the most: some 16 MiB.
const BOUND: usize = 16_384;

/// Users as they are stored.
pub(super) struct KnownUsers {
    /// Whether changes that others make are heard of.
    followed: AtomicBool,
    parts: [Mutex<Part>; PARTS],
}

struct Part {
    users: Recent<UserId, User>,
    /// How often somebody was forgotten.
    changes: u64,
}

/// How often somebody had been forgotten, of those in the same part as a user who is about to be read.
#[derive(Clone, Copy)]
pub(super) struct Changes(u64);

/// A change of a user at work. When it ends, whichever way, the user is forgotten.
#[must_use]
pub(super) struct Changing<'a> {
    users: &'a KnownUsers,
    user: UserId,
}

/// For as long as it lives, changes that others make are heard of.
#[must_use]
pub(super) struct Following<'a>(&'a KnownUsers);

impl KnownUsers {
    fn bounded(bound: usize) -> Self {
        let part = || Mutex::new(Part { users: Recent::bounded(bound / PARTS), changes: 0 });
        Self { followed: AtomicBool::new(false), parts: std::array::from_fn(|_| part()) }
    }

    /// The user, if known.
    pub(super) fn find(&self, user: UserId) -> Option<Arc<User>> {
        if !self.followed.load(Ordering::SeqCst) {
            return None;
        }
        self.part(user, |part| part.users.find(&user))
    }

    /// To be asked before a user is read, so that it is known afterwards whether they may have changed meanwhile.
    pub(super) fn changes(&self, user: UserId) -> Changes {
        self.part(user, |part| Changes(part.changes))
    }

    /// Keeps a user who was read since `before`, unless they may have changed since.
    pub(super) fn keep(&self, user: &User, before: Changes) {
        let kept = Arc::new(user.clone());
        self.part(user.id, |part| {
            if part.changes == before.0 {
                part.users.add(user.id, kept);
            }
        });
    }

    /// Begins a change of a user.
    pub(super) fn change(&self, user: UserId) -> Changing<'_> {
        Changing { users: self, user }
    }

    /// Forgets a user who has changed.
    pub(super) fn forget(&self, user: UserId) {
        self.part(user, |part| {
            part.changes += 1;
            part.users.remove(&user);
        });
    }

    /// Forgets everybody.
    pub(super) fn forget_all(&self) {
        for part in &self.parts {
            locked(part, |part| {
                part.changes += 1;
                part.users.clear();
            });
        }
    }

    /// Says that changes are heard of from now on, and forgets who may have changed before.
    pub(super) fn follow(&self) -> Following<'_> {
        self.forget_all();
        self.followed.store(true, Ordering::SeqCst);
        Following(self)
    }

    fn part<T>(&self, user: UserId, work: impl FnOnce(&mut Part) -> T) -> T {
        // The last byte of a UUID is chance, of version 7 too (RFC 9562, section 5.7).
        locked(&self.parts[usize::from(user.0.as_bytes()[15]) % PARTS], work)
    }
}

impl Default for KnownUsers {
    fn default() -> Self {
        Self::bounded(BOUND)
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.users.forget(self.user);
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.followed.store(false, Ordering::SeqCst);
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

    fn keep(users: &KnownUsers, number: u128) {
        users.keep(&user(number), users.changes(id(number)));
    }

    fn knows(users: &KnownUsers, number: u128) -> bool {
        users.find(id(number)).is_some_and(|found| *found == user(number))
    }

    #[test]
    fn who_was_kept_is_known_until_they_are_forgotten_and_nobody_else() {
        let users = KnownUsers::default();
        let _following = users.follow();
        (0..100).for_each(|number| keep(&users, number));
        assert!((0..100).all(|number| knows(&users, number)));
        assert!(!knows(&users, 100));
        users.forget(id(7));
        assert!((0..100).all(|number| knows(&users, number) == (number != 7)));
        users.forget_all();
        assert!(!(0..100).any(|number| knows(&users, number)));
    }

    #[test]
    fn who_changes_while_they_are_read_is_not_kept() {
        let users = KnownUsers::default();
        let _following = users.follow();
        let changes: [fn(&KnownUsers); 3] =
            [|users| users.forget(id(1)), |users| drop(users.change(id(1))), KnownUsers::forget_all];
        for change in changes {
            let before = users.changes(id(1));
            change(&users);
            users.keep(&user(1), before);
            assert!(!knows(&users, 1));
        }
        keep(&users, 1);
        assert!(knows(&users, 1));
    }

    #[test]
    fn a_change_is_known_when_it_ends_whichever_way() {
        let users = KnownUsers::default();
        let _following = users.follow();
        keep(&users, 1);
        let changing = users.change(id(1));
        // As by somebody who read before the commit.
        keep(&users, 1);
        drop(changing);
        assert!(!knows(&users, 1));
    }

    #[test]
    fn nobody_is_known_before_changes_are_heard_of_and_when_they_are_not_any_more() {
        let users = KnownUsers::default();
        keep(&users, 1);
        assert!(!knows(&users, 1));
        let before = users.changes(id(2));
        let following = users.follow();
        assert!(!knows(&users, 1), "a change may have gone unheard");
        users.keep(&user(2), before);
        assert!(!knows(&users, 2), "who was being read then may have changed as well");
        keep(&users, 1);
        assert!(knows(&users, 1));
        drop(following);
        assert!(!knows(&users, 1));
    }

    #[test]
    fn there_are_never_more_than_the_bound_and_who_is_asked_for_again_and_again_stays() {
        let users = KnownUsers::bounded(320);
        let _following = users.follow();
        keep(&users, 0);
        for number in 1..10_000 {
            keep(&users, number);
            assert!(knows(&users, 0), "after {number} others");
        }
        assert!(!knows(&users, 1), "nobody asked for them");
        let count: usize = users.parts.iter().map(|part| locked(part, |part| part.users.len())).sum();
        assert!((160..=320).contains(&count), "{count}");
    }
}
