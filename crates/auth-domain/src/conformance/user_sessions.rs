//! Changes of a user that end the user's sessions.

use super::StoreUnderTest;
use super::fixture::{Fixture, at_most, display_name, hash, identifiers, later, roles};
use super::user_change::SessionEndingChange;
use crate::model::{
    EndReason, NewSession, NewUser, RefreshDenial, RefreshVerdict, SessionEnd, Timestamp, User, UserChanges,
    UserStatus,
};
use crate::ports::OpenOutcome;

/// A user with two sessions, one of them refreshed, and another user with one session.
struct SessionOwner {
    user: User,
    sessions: Vec<NewSession>,
    others: NewSession,
}

async fn user_with_sessions(fixture: &Fixture<'_>) -> SessionOwner {
    user_with_sessions_and_roles(fixture, "jane", "admin,customer").await
}

async fn user_with_sessions_and_roles(fixture: &Fixture<'_>, name: &str, joined_roles: &str) -> SessionOwner {
    let named = fixture.new_user(identifiers(Some(name), None));
    let user = fixture.register(&NewUser { roles: roles(joined_roles), ..named }).await;
    let other = fixture.register_named(&format!("not {name}")).await;
    let sessions = vec![fixture.open(&user, later(0)).await, fixture.open(&user, later(1)).await];
    fixture.rotate(sessions[0].token(), later(2)).await;
    SessionOwner { user, sessions, others: fixture.open(&other, later(0)).await }
}

impl SessionOwner {
    async fn assert_all_ended(&self, fixture: &Fixture<'_>, reason: EndReason, at: Timestamp) {
        for new in &self.sessions {
            let end = fixture.session(new.session.id).await.end;
            assert_eq!(end, Some(SessionEnd { at, reason }));
            let judged = fixture.refresh(&fixture.attempt(new.token(), at)).await;
            assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
        }
        self.assert_others_live(fixture).await;
    }

    async fn assert_others_live(&self, fixture: &Fixture<'_>) {
        let others = &self.others.session;
        assert_eq!(fixture.session(others.id).await, *others, "the session of the other user is live");
    }

    async fn assert_all_live(&self, fixture: &Fixture<'_>) {
        for NewSession { session, .. } in &self.sessions {
            assert_eq!(fixture.session(session.id).await.end, None);
        }
        self.assert_others_live(fixture).await;
    }
}

async fn assert_ends_every_session(
    store: &dyn StoreUnderTest,
    change: SessionEndingChange,
    reason: EndReason,
) {
    let fixture = Fixture::new(store);
    let owner = user_with_sessions(&fixture).await;
    let version = fixture.password_version(owner.user.id).await;
    change.apply(&fixture, owner.user.id, version, later(9)).await;
    owner.assert_all_ended(&fixture, reason, later(9)).await;
}

pub(super) async fn changing_the_password_ends_every_session(store: &dyn StoreUnderTest) {
    assert_ends_every_session(store, SessionEndingChange::Password, EndReason::PasswordChanged).await;
}

pub(super) async fn password_in_an_update_ends_every_session(store: &dyn StoreUnderTest) {
    assert_ends_every_session(store, SessionEndingChange::PasswordInUpdate, EndReason::PasswordChanged).await;
}

pub(super) async fn suspending_a_user_ends_every_session(store: &dyn StoreUnderTest) {
    assert_ends_every_session(store, SessionEndingChange::Suspension, EndReason::Suspended).await;
}

pub(super) async fn changing_roles_ends_every_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (before, after) in [("customer", "admin,customer"), ("admin,customer", "customer"), ("customer", "")]
    {
        let owner =
            user_with_sessions_and_roles(&fixture, &format!("from {before} to {after} or none"), before)
                .await;
        let changed =
            fixture.users().set_roles(owner.user.id, &roles(after), later(9)).await.expect("no error");
        assert!(changed.is_some(), "the user exists");
        owner.assert_all_ended(&fixture, EndReason::RolesChanged, later(9)).await;
    }
}

pub(super) async fn reactivated_user_gets_no_session_back(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let owner = user_with_sessions(&fixture).await;
    fixture.users().set_status(owner.user.id, UserStatus::Suspended, later(9)).await.expect("no error");
    fixture.users().set_status(owner.user.id, UserStatus::Active, later(10)).await.expect("no error");
    owner.assert_all_ended(&fixture, EndReason::Suspended, later(9)).await;
}

pub(super) async fn other_changes_end_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let owner = user_with_sessions(&fixture).await;
    let changes = UserChanges { display_name: Some(display_name("Jane")), ..UserChanges::default() };
    fixture.users().update(owner.user.id, &changes, later(9)).await.expect("no error");
    fixture.users().set_roles(owner.user.id, &owner.user.roles, later(9)).await.expect("no error");
    fixture.users().set_status(owner.user.id, UserStatus::Active, later(9)).await.expect("no error");
    let users = fixture.users();
    let upgraded = users.upgrade_password_hash(owner.user.id, &hash("first"), &hash("better")).await;
    assert!(upgraded.expect("no error"));
    owner.assert_all_live(&fixture).await;
}

pub(super) async fn ended_session_keeps_its_first_end(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let owner = user_with_sessions(&fixture).await;
    let ended = owner.sessions[0].session.id;
    assert!(fixture.log_out(ended, later(5)).await);
    let version = fixture.password_version(owner.user.id).await;
    let users = fixture.users();
    assert!(users.change_password(owner.user.id, version, &hash("2"), later(9)).await.expect("no error"));
    users.set_status(owner.user.id, UserStatus::Suspended, later(10)).await.expect("no error");
    let first_end = SessionEnd { at: later(5), reason: EndReason::LoggedOut };
    assert_eq!(fixture.session(ended).await.end, Some(first_end));
    let other = owner.sessions[1].session.id;
    let end = SessionEnd { at: later(9), reason: EndReason::PasswordChanged };
    assert_eq!(fixture.session(other).await.end, Some(end));
}

/// Sessions of a user, some of which have expired when the user changes.
async fn open_many(fixture: &Fixture<'_>, user: &User, count: usize) -> Vec<NewSession> {
    let version = fixture.password_version(user.id).await;
    let mut sessions = Vec::new();
    for index in 0..count {
        let mut new = fixture.new_session(user, version, later(0));
        if index % 3 == 0 {
            new.session.expires_at = later(5);
        }
        assert_eq!(fixture.try_open(&new, &at_most(u32::MAX)).await, OpenOutcome::Opened);
        sessions.push(new);
    }
    sessions
}

pub(super) async fn change_ends_any_number_of_sessions(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for (change, count) in [
        (SessionEndingChange::Password, 1_001),
        (SessionEndingChange::PasswordInUpdate, 60),
        (SessionEndingChange::Suspension, 60),
        (SessionEndingChange::Roles, 60),
        (SessionEndingChange::Deletion, 60),
    ] {
        let user = fixture.register_named(&format!("{change:?}")).await;
        let sessions = open_many(&fixture, &user, count).await;
        let version = fixture.password_version(user.id).await;
        change.apply(&fixture, user.id, version, later(9)).await;
        let expected = change.reason().map(|reason| SessionEnd { at: later(9), reason });
        for new in &sessions {
            let end = fixture.find_session(new.session.id).await.map(|session| session.end);
            assert_eq!(end, expected.map(Some), "{change:?} of a user with {count} sessions");
        }
        if count > 1_000 {
            assert!(fixture.users().delete(user.id).await.expect("no error"));
            for new in &sessions {
                assert_eq!(fixture.find_session(new.session.id).await, None, "deleted with its user");
            }
        }
    }
}

pub(super) async fn deleting_a_user_deletes_sessions_and_families(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let owner = user_with_sessions(&fixture).await;
    assert!(fixture.users().delete(owner.user.id).await.expect("no error"));
    for new in &owner.sessions {
        assert_eq!(fixture.find_session(new.session.id).await, None);
        assert_eq!(fixture.present(new.token(), later(9)).await, None);
        let (sessions, client) = (fixture.sessions(), &new.session.client_id);
        let ended = sessions.end_by_family(&new.family, client, EndReason::LoggedOut, later(9));
        assert_eq!(ended.await.expect("no error"), None);
    }
    owner.assert_others_live(&fixture).await;
}
