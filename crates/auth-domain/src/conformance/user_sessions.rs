//! Sessions that end with what became of their user.

use super::StoreFixture;
use super::scene::{Scene, display_name, hash, identifiers, later, roles};
use crate::model::{
    EndReason, NewSession, NewUser, RefreshDenial, RefreshVerdict, Session, SessionEnd, Timestamp, User,
    UserChanges, UserStatus,
};
use crate::ports::UpdateOutcome;

/// A user with two sessions, one of them refreshed, and somebody else with one.
struct Home {
    user: User,
    sessions: Vec<NewSession>,
    others: NewSession,
}

async fn home(scene: &Scene<'_>) -> Home {
    home_of(scene, "jane", "admin,customer").await
}

async fn home_of(scene: &Scene<'_>, name: &str, joined_roles: &str) -> Home {
    let named = scene.new_user(identifiers(Some(name), None));
    let user = scene.register(&NewUser { roles: roles(joined_roles), ..named }).await;
    let other = scene.register_named(&format!("not {name}")).await;
    let sessions = vec![scene.open(&user, later(0)).await, scene.open(&user, later(1)).await];
    scene.rotate(sessions[0].credential, later(2)).await;
    Home { user, sessions, others: scene.open(&other, later(0)).await }
}

impl Home {
    async fn assert_all_ended(&self, scene: &Scene<'_>, reason: EndReason, at: Timestamp) {
        for NewSession { session, credential, .. } in &self.sessions {
            let end = scene.session(session.id).await.end;
            assert_eq!(end, Some(SessionEnd { at, reason }));
            let judged = scene.refresh(&scene.attempt(*credential, at)).await;
            assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
        }
        self.assert_others_live(scene).await;
    }

    async fn assert_others_live(&self, scene: &Scene<'_>) {
        let others = &self.others.session;
        assert_eq!(scene.session(others.id).await, *others, "somebody else's session is live");
    }

    async fn assert_all_live(&self, scene: &Scene<'_>) {
        for NewSession { session, .. } in &self.sessions {
            assert_eq!(scene.session(session.id).await.end, None);
        }
        self.assert_others_live(scene).await;
    }
}

pub(super) async fn a_changed_password_ends_every_session_of_its_user(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    let version = scene.password_version(home.user.id).await;
    let changed = scene.users().change_password(home.user.id, version, &hash("second"), later(9)).await;
    assert!(changed.expect("no fault"));
    home.assert_all_ended(&scene, EndReason::PasswordChanged, later(9)).await;
}

pub(super) async fn a_password_changed_with_other_members_ends_every_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
    let outcome = scene.users().update(home.user.id, &changes, later(9)).await.expect("no fault");
    assert!(matches!(outcome, UpdateOutcome::Updated(_)), "{outcome:?}");
    home.assert_all_ended(&scene, EndReason::PasswordChanged, later(9)).await;
}

pub(super) async fn suspending_a_user_ends_every_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    scene.users().set_status(home.user.id, UserStatus::Suspended, later(9)).await.expect("no fault");
    home.assert_all_ended(&scene, EndReason::Suspended, later(9)).await;
}

pub(super) async fn changed_roles_end_every_session_of_their_user(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for (before, after) in [("customer", "admin,customer"), ("admin,customer", "customer"), ("customer", "")]
    {
        let home = home_of(&scene, &format!("from {before} to {after} or none"), before).await;
        let changed = scene.users().set_roles(home.user.id, &roles(after), later(9)).await.expect("no fault");
        assert!(changed.is_some(), "the user is there");
        home.assert_all_ended(&scene, EndReason::RolesChanged, later(9)).await;
    }
}

pub(super) async fn a_user_who_may_log_in_again_gets_no_session_back(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    scene.users().set_status(home.user.id, UserStatus::Suspended, later(9)).await.expect("no fault");
    scene.users().set_status(home.user.id, UserStatus::Active, later(10)).await.expect("no fault");
    home.assert_all_ended(&scene, EndReason::Suspended, later(9)).await;
}

pub(super) async fn what_is_no_change_of_password_roles_or_status_ends_no_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    let changes = UserChanges { display_name: Some(display_name("Jane")), ..UserChanges::default() };
    scene.users().update(home.user.id, &changes, later(9)).await.expect("no fault");
    scene.users().set_roles(home.user.id, &home.user.roles, later(9)).await.expect("no fault");
    scene.users().set_status(home.user.id, UserStatus::Active, later(9)).await.expect("no fault");
    let users = scene.users();
    let better = users.upgrade_password_hash(home.user.id, &hash("first"), &hash("better")).await;
    assert!(better.expect("no fault"));
    home.assert_all_live(&scene).await;
}

pub(super) async fn a_session_that_had_ended_keeps_its_end(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    let ended = home.sessions[0].session.id;
    assert!(scene.sessions().end(ended, EndReason::LoggedOut, later(5)).await.expect("no fault").is_some());
    let version = scene.password_version(home.user.id).await;
    let users = scene.users();
    assert!(users.change_password(home.user.id, version, &hash("2"), later(9)).await.expect("no fault"));
    users.set_status(home.user.id, UserStatus::Suspended, later(10)).await.expect("no fault");
    let end = |session: Session| session.end.map(|end| (end.reason, end.at));
    assert_eq!(end(scene.session(ended).await), Some((EndReason::LoggedOut, later(5))));
    let other = home.sessions[1].session.id;
    assert_eq!(end(scene.session(other).await), Some((EndReason::PasswordChanged, later(9))));
}

pub(super) async fn deleting_a_user_deletes_their_sessions_and_credentials(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let home = home(&scene).await;
    assert!(scene.users().delete(home.user.id).await.expect("no fault"));
    for NewSession { session, credential, .. } in &home.sessions {
        assert_eq!(scene.find_session(session.id).await, None);
        let attempt = scene.attempt(*credential, later(9));
        assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
        let sessions = scene.sessions();
        let ended =
            sessions.end_by_credential(credential, &session.client_id, EndReason::LoggedOut, later(9));
        assert_eq!(ended.await.expect("no fault"), None);
    }
    home.assert_others_live(&scene).await;
}
