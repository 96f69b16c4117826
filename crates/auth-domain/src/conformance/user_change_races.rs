//! Concurrent changes of one user: each of them takes effect, and none restores what it has read before another one.

use super::concurrency::{both, concurrently, rounds};
use super::fixture::{
    Fixture, display_name, hash, identifiers, later, metadata, phone_number, roles, username,
};
use super::{CaseFuture, StoreUnderTest};
use crate::model::{
    EndReason, LoginRecord, MetadataChange, NewUser, UserChanges, UserNumber, UserRef, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::UpdateOutcome;

/// A change of one part of a user. Two different ones can be made in either order, with the same result.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Names,
    Contact,
    Roles,
    Status,
    Password,
    HashUpgrade,
}

impl Change {
    /// Makes the change in a round, after which the user was read as `before`.
    async fn apply(self, fixture: &Fixture<'_>, before: &LoginRecord, round: usize) {
        let (users, user, now) = (fixture.users(), before.user.id, later(1));
        match self {
            Self::Names | Self::Contact => {
                let outcome = users
                    .update(user, &self.changes(before.user.number, round), now)
                    .await
                    .expect("no error");
                assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
            }
            Self::Roles => {
                let changed = users.set_roles(user, &roles(&format!("role{round}")), now).await;
                assert!(changed.expect("no error").is_some(), "the user exists");
            }
            Self::Status => {
                let changed = users.set_status(user, UserStatus::Suspended, now).await;
                assert!(changed.expect("no error").is_some(), "the user exists");
            }
            Self::Password => {
                let (version, to) = (before.password.version, hash(&format!("changed {round}")));
                assert!(
                    users.change_password(user, version, &to, now).await.expect("no error"),
                    "the version is current"
                );
            }
            Self::HashUpgrade => {
                let old = before.password.hash.clone().expect("a password");
                let upgraded =
                    users.upgrade_password_hash(user, &old, &hash(&format!("better {round}"))).await;
                assert!(upgraded.expect("no error"), "the hash is the stored one");
            }
        }
    }

    fn changes(self, user: UserNumber, round: usize) -> UserChanges {
        match self {
            Self::Names => UserChanges {
                username: Some(username(&format!("Jane {user} {round}"))),
                display_name: Some(display_name(&format!("Jane the {round}th"))),
                ..UserChanges::default()
            },
            Self::Contact => UserChanges {
                phone_number: Some(phone_number(&format!("+1555{round:04}"))),
                metadata: MetadataChange::Set(metadata(&format!("{{\"round\":{round}}}"))),
                ..UserChanges::default()
            },
            _ => UserChanges::default(),
        }
    }

    /// Changes `expected` as the store has to.
    fn expect(self, expected: &mut LoginRecord, round: usize) {
        let changes = self.changes(expected.user.number, round);
        let user = &mut expected.user;
        user.identifiers = user.identifiers.changed(changes.username, None);
        user.display_name = changes.display_name.or(user.display_name.take());
        user.phone_number = changes.phone_number.or(user.phone_number.take());
        user.metadata = changes.metadata.apply(user.metadata.take());
        match self {
            Self::Names | Self::Contact => {}
            Self::Roles => user.roles = roles(&format!("role{round}")),
            Self::Status => user.status = UserStatus::Suspended,
            Self::Password => expected.password.hash = Some(hash(&format!("changed {round}"))),
            Self::HashUpgrade => expected.password.hash = Some(hash(&format!("better {round}"))),
        }
    }

    fn end_reason(self) -> Option<EndReason> {
        match self {
            Self::Names | Self::Contact | Self::HashUpgrade => None,
            Self::Roles => Some(EndReason::RolesChanged),
            Self::Status => Some(EndReason::Suspended),
            Self::Password => Some(EndReason::PasswordChanged),
        }
    }
}

/// Makes `one` and each of `others` at the same time, and asserts that both have taken effect.
async fn assert_both_take_effect(store: &dyn StoreUnderTest, one: Change, others: &[Change]) {
    let fixture = &Fixture::new(store);
    for other in others {
        let user = fixture.register_full_user(&format!("{other:?}")).await;
        for round in rounds() {
            fixture.users().set_status(user.id, UserStatus::Active, later(0)).await.expect("no error");
            let before = fixture.login_record(user.id).await;
            let session = fixture.open(&before.user, later(0)).await.session;
            both(one.apply(fixture, &before, round), other.apply(fixture, &before, round));

            let mut expected = before.clone();
            one.expect(&mut expected, round);
            other.expect(&mut expected, round);
            let after = fixture.login_record(user.id).await;
            assert_eq!(after.user, expected.user, "{one:?} and {other:?}");
            assert!(after.password.hash == expected.password.hash, "the hash after {one:?} and {other:?}");
            let is_counted = after.password.version > before.password.version;
            assert_eq!(is_counted, [one, *other].contains(&Change::Password), "{one:?} and {other:?}");
            for (_, key) in expected.user.identifiers.keys() {
                assert_eq!(fixture.holder(key.as_str()).await, Some(user.id), "{one:?} and {other:?}");
            }
            let end = fixture.session(session.id).await.end.map(|end| end.reason);
            let reasons = [one.end_reason(), other.end_reason()];
            let is_expected =
                if reasons == [None, None] { end.is_none() } else { end.is_some() && reasons.contains(&end) };
            assert!(is_expected, "{end:?} after {one:?} and {other:?}");
        }
    }
}

pub(super) async fn update_keeps_every_concurrent_change(store: &dyn StoreUnderTest) {
    let others = [Change::Contact, Change::Roles, Change::Status, Change::Password, Change::HashUpgrade];
    assert_both_take_effect(store, Change::Names, &others).await;
}

pub(super) async fn role_change_keeps_every_concurrent_change(store: &dyn StoreUnderTest) {
    let others = [Change::Contact, Change::Status, Change::Password, Change::HashUpgrade];
    assert_both_take_effect(store, Change::Roles, &others).await;
}

pub(super) async fn status_change_keeps_every_concurrent_change(store: &dyn StoreUnderTest) {
    let others = [Change::Contact, Change::Password, Change::HashUpgrade];
    assert_both_take_effect(store, Change::Status, &others).await;
}

pub(super) async fn change_during_a_deletion_restores_no_user(store: &dyn StoreUnderTest) {
    let fixture = &Fixture::new(store);
    for round in rounds() {
        let name = format!("jane {round}");
        let new = fixture.new_user(identifiers(Some(&name), None));
        let user = fixture.register(&NewUser { roles: roles("customer"), ..new }).await;
        let before = fixture.login_record(user.id).await;
        let session = fixture.new_session(&user, before.password.version, later(0));
        let (users, id, changes) = (fixture.users(), user.id, Change::Contact.changes(user.number, round));
        let mut calls: Vec<CaseFuture<'_>> = vec![
            Box::pin(async { assert!(users.delete(id).await.expect("no error"), "the user exists") }),
            Box::pin(async { drop(users.update(id, &changes, later(1)).await.expect("no error")) }),
            Box::pin(async { drop(users.set_roles(id, &roles("admin"), later(1)).await.expect("no error")) }),
            Box::pin(async {
                drop(users.set_status(id, UserStatus::Suspended, later(1)).await.expect("no error"));
            }),
            Box::pin(async {
                let (version, to) = (before.password.version, hash("second"));
                users.change_password(id, version, &to, later(1)).await.expect("no error");
            }),
            Box::pin(async {
                users.upgrade_password_hash(id, &hash("first"), &hash("better")).await.expect("no error");
            }),
            Box::pin(async {
                fixture.sessions().open(&session, &SessionPolicy::default()).await.expect("no error");
            }),
        ];
        calls.rotate_left(round % 7);
        concurrently(calls);
        for by in [UserRef::Id(id), UserRef::Number(user.number)] {
            assert_eq!(users.find(&by).await.expect("no error"), None, "deleted");
        }
        assert_eq!(fixture.holder(&name).await, None, "the name is free");
        assert_eq!(fixture.find_session(session.session.id).await, None, "the session is deleted");
        assert_eq!(users.list(None, 10).await.expect("no error"), vec![], "no user is listed");
    }
}
